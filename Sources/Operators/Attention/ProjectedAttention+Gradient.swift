import IR

extension ProjectedAttention {
  /// The projection is computed anew; its gradient comes from an attention whose operands are joined.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    guard context.node.opType == "Attention", !context.has(4), !context.has(6), context.gradient(1) == nil else {
      throw OperatorError("\(context.node.opType) with a cache or integers has no gradient")
    }
    guard !context.wants(5) else { throw OperatorError("the attention bias of Attention has no gradient") }
    let columns = try context.shape(1)[1]
    guard let sizes = sizes(context.node, columns: .known(columns)), sizes.width == sizes.valueWidth else {
      throw OperatorError("an Attention whose values have a width of their own has no gradient")
    }
    guard let x = context.node.input(0), let weight = context.node.input(1) else { return }
    var projected = context.product(x, weight)
    if let bias = context.node.input(2) { projected = context.emit(OperatorName("Add"), projected, bias) }
    let gradient = context.attentionGradient(
      of: "MultiHeadAttention", inputs: [projected, nil, nil, nil, context.node.input(3), context.node.input(5)],
      above: above, count: 1, attributes: context.node.attributes)[0]
    let shape = try context.shape(0)
    if context.wants(0) {
      context.accumulate(context.product(gradient, weight, transposeB: true), to: 0)
    }
    if context.wants(1) {
      let rows = context.emit(OperatorName("Reshape"), x, context.vector([shape[0] * shape[1], shape[2]]))
      let above = context.emit(OperatorName("Reshape"), gradient, context.vector([shape[0] * shape[1], columns]))
      context.accumulate(context.product(rows, above, transposeA: true), to: 1)
    }
    if context.wants(2) {
      try context.accumulate(broadcast: gradient, of: [shape[0], shape[1], columns], to: 2)
    }
  }
}

extension GradientContext {
  /// Adds a product α·op(A)·op(B).
  mutating func product(
    _ a: ValueID, _ b: ValueID, transposeA: Bool = false, transposeB: Bool = false, alpha: Float = 1
  ) -> ValueID {
    emit(
      .microsoft("FusedMatMul"), a, b,
      attributes: [
        Attribute(name: "transA", value: .int(transposeA ? 1 : 0)),
        Attribute(name: "transB", value: .int(transposeB ? 1 : 0)), Attribute(name: "alpha", value: .float(alpha)),
      ])
  }
}
