import Kernels

/// How one step changes values: the arithmetic of an optimizer, without its state.
public protocol UpdateRule: Sendable {
  /// Names the rule and its settings: a run may be resumed only by the same.
  var description: String { get }
  /// Arrays of the parameters' sizes that are kept from step to step, zero at first.
  var slots: Int { get }

  /// - Throws: where a setting cannot be meant.
  func check() throws(TrainingError)

  /// Changes `count` values.
  /// - Parameters:
  ///   - state: one array a slot.
  ///   - step: from 1 on.
  ///   - scale: what the gradient is to be multiplied by.
  func update(
    _ values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, state: [UnsafeMutablePointer<Float>],
    count: Int, step: Int, rate: Double, scale: Float)

  /// Writes what a step that was just made went along: but for weight decay that is apart from the gradient, values are
  /// the ones before it less the rate times this.
  /// - Parameters:
  ///   - values: as they were before the step.
  ///   - state: as it is after the step, one array a slot.
  ///   - step: of that step, from 1 on.
  ///   - scale: what the gradient was multiplied by.
  func direction(
    _ target: UnsafeMutablePointer<Float>, from values: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], count: Int, step: Int, scale: Float)
}

extension UpdateRule {
  public func check() throws(TrainingError) {}
}
