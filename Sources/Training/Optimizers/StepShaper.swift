import IR
import Runtime

/// Does more with the parameters than an optimizer's steps do: drives some of them to zero, say, and holds them there.
public protocol StepShaper: AnyObject {
  /// Names the way and its settings: a run may be resumed only by the same.
  var identity: String { get }

  /// Makes one step of a run.
  /// - Parameters:
  ///   - optimizer: makes the step itself, where there is to be one.
  ///   - program: holds the gradients, unless the optimizer has collected them.
  ///   - loss: of the batches the gradients are of; `nil` where they have none.
  ///   - rate: the learning rate.
  ///   - largestNorm: the norm all gradients together are scaled down to where theirs is larger.
  /// - Returns: the norm of all gradients before clipping, where it was asked for and there was a step.
  func step(
    _ optimizer: Optimizer, by program: TrainingProgram?, loss: Double?, rate: Double, largestNorm: Double?
  ) throws(TrainingError) -> Double?

  /// Whether the weights are only tried out, and will come back: the loss may then be no finite number, and says nothing
  /// of how training goes.
  var tries: Bool { get }

  /// What a step came to, beside the loss, in the order it is to be told: numbers by their names.
  var figures: [(name: String, value: Double)] { get }

  /// All that is needed to go on, by names.
  func savedState() -> [(name: String, tensor: Tensor)]

  /// Takes up a saved state.
  /// - Returns: whether it fits.
  func restore(_ saved: [String: Tensor]) -> Bool
}
