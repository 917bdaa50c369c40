import IR

extension Model {
  /// The same model with the functions it brings along written out where they are called, so that shapes, parameters
  /// and gradients are those of plain nodes.
  /// - Throws: where functions call each other too deeply or become too many nodes.
  public func inliningFunctions() throws(RuntimeError) -> Model { try FunctionInlining.apply(to: self) }
}
