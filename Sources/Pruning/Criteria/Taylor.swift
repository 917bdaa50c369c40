import Analysis

/// `taylor` and `taylor2`: how much the loss changes to first order where a channel is closed at the place its readers
/// see it, |Σ θ·g| over the columns of all of them, or the square of that (Molchanov et al., "Importance estimation for
/// neural network pruning", CVPR 2019, with a gate on the channel).
///
/// For a gate a that multiplies what linear layers read, ∂L/∂a = Σ θ·g over the columns they read the channel by,
/// exactly. Signs cancel inside the channel and over all layers before the magnitude is taken, so the aggregation of
/// weights the user chose does not apply. Rows say something else: in front of a batch normalization θ·g of a row sums
/// to what its scale lets through.
///
/// A group that no measured layer reads is scored by the same sum over the rows and vectors that make it, and that is
/// said.
public struct Taylor: Criterion {
  public enum Form: Sendable {
    case magnitude, square
  }

  let form: Form

  public init(_ form: Form = .magnitude) { self.form = form }

  public var name: String { form == .magnitude ? "taylor" : "taylor2" }
  public var summary: String {
    form == .magnitude ? "first-order change of the loss without the channel" : "the square of taylor"
  }
  public var measurements: Set<Measurement> { [.gradients] }

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let chosen =
      context.members == nil
      ? group.members.filter { $0.role == .consumer } : context.members(of: group, usually: .consumers)
    if let derivatives = derivatives(of: chosen, in: group, context) { return derivatives.map(score) }
    let makers = group.members.filter { $0.role != .consumer }
    guard let derivatives = derivatives(of: makers, in: group, context) else {
      return try context.scoresWithoutMeasurement(of: group, for: self)
    }
    context.noteFallback(group, "\(name): no measured layer reads it, scored by the weights that make it")
    return derivatives.map(score)
  }

  private func score(_ derivative: Double) -> Float {
    Float(form == .magnitude ? abs(derivative) : derivative * derivative)
  }

  /// Σ θ·g of each channel over some weights; `nil` where none of them was measured.
  private func derivatives(
    of members: [PruningGroup.Member], in group: PruningGroup, _ context: ScoringContext
  ) -> [Double]? {
    let sums = members.compactMap { context.elementSums(of: $0, in: group, .product, .gradients) }
    return sums.isEmpty ? nil : Aggregation.sum.combine(sums, count: group.size)
  }
}
