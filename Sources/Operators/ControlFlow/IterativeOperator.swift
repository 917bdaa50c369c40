/// An operator that runs a body once for every iteration: what its body's inputs are must be known before the body is
/// looked at, and whether that still holds after an iteration only when it has been.
public protocol IterativeOperator: Operator {
  /// Sets the facts of the body's inputs as the first iteration sees them.
  func enterBody(_ context: inout ShapeContext)

  /// Weakens the facts of the body's inputs until they hold in every iteration.
  /// - Returns: `false` where they changed, so that the body must be looked at again.
  func settleBody(_ context: inout ShapeContext) -> Bool

  /// Sets the axes of the body's inputs.
  func enterBody(_ context: inout AxisContext)
}
