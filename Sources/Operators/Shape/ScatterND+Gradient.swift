import IR

extension ScatterND {
  /// What was overwritten has no gradient; what was written has that of its place.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient(), context.node.opType == "ScatterND",
      context.node.string("reduction") ?? "none" == "none"
    else { throw OperatorError("\(context.node.opType) that reduces has no gradient") }
    let indices = context.node.input(1)
    if context.wants(0) {
      let zero = context.emit(.own("BroadcastTo"), context.scalar(0), context.vector(try context.shape(2)))
      context.accumulate(context.emit(OperatorName("ScatterND"), gradient, indices, zero), to: 0)
    }
    if context.wants(2) {
      context.accumulate(context.emit(OperatorName("GatherND"), gradient, indices), to: 2)
    }
  }
}
