import Analysis
import Dimensions

/// `obspa`: how much the outputs of the layers that read a channel change where the layers make up for its removal as
/// well as they can, summed over the layers (the optimal brain surgeon of Hassibi and Stork 1992 for whole channels; Wang
/// et al., "Structurally prune anything", 2024).
///
/// The channels of a group go in ten parts, the least important first, and layers make up for each part before the next
/// is chosen: of two channels that can stand in for each other only one is cheap, unless both go in the same part.
/// Changes are shares of what a layer's outputs vary, times the root of the number of linear layers from there to the
/// output, which pass them on, so that groups compare as they are.
public struct OBSPA: Criterion {
  public let name = "obspa"
  public let summary = "change of the readers' outputs after their best repair"
  public let measurements: Set<Measurement> = [.removalLosses]
  public var usualNormalization: ScoreNormalization { .none }
  public var usualCostExponent: Double { 1 }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    try context.losses(context.evidence.removalLosses, of: group, by: name)
  }
}

extension ScoringContext {
  /// Measured losses as scores. A group that no layer reads has none, and some that are no numbers tell nothing; its
  /// magnitudes then rank its channels, and add up to 1.
  func losses(
    _ losses: [DimensionID: [Double]], of group: PruningGroup, by criterion: String
  ) throws -> [Float] {
    let found = losses[group.dimension].flatMap { $0.count == group.size ? $0 : nil }
    if let found, found.allSatisfy(\.isFinite) { return found.map { Float($0) } }
    let reason = found == nil ? "no layer reads it that could make up for it" : "what its readers lose is no number"
    noteFallback(group, "\(criterion): \(reason), scored by l2")
    let scores = try Magnitude(power: .square).scores(for: group, in: self)
    let mean = scores.reduce(0, +) / Float(max(1, scores.count))
    return mean > 0 ? scores.map { $0 / mean / Float(scores.count) } : scores
  }
}
