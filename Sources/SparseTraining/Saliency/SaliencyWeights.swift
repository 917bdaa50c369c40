/// How much each of the five terms of a unit's saliency counts (Chen et al., "HESSO", arXiv 2409.09085).
public struct SaliencyWeights: Sendable, Equatable {
  /// ‖x‖, of a unit's elements x.
  public var magnitude = 0.2
  /// ‖x‖ by the number of elements.
  public var averageMagnitude = 0.2
  /// The cosine of x and the direction d of the optimizer's step, and one: elements that are on their way to zero have
  /// little of it.
  public var cosine = 0.2
  /// |⟨x, d⟩|: what setting x to zero changes of the loss, to first order.
  public var firstOrder = 0.2
  /// ½·⟨x, d⟩², likewise to second order.
  public var secondOrder = 0.2

  public init() {}

  var all: [Double] { [magnitude, averageMagnitude, cosine, firstOrder, secondOrder] }

  var text: String { all.map { "\($0)" }.joined(separator: ",") }
}
