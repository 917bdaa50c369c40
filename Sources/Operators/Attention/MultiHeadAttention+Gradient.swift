import IR

extension MultiHeadAttention {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    guard context.node.opType == "MultiHeadAttention", (6..<10).allSatisfy({ !context.has($0) }),
      (1..<4).allSatisfy({ context.gradient($0) == nil })
    else { throw OperatorError("\(context.node.opType) with a cache has no gradient") }
    guard !context.wants(5) else { throw OperatorError("the attention bias of \(context.node.opType) has no gradient") }
    let count = context.node.inputs.prefix(3).count { $0 != nil }
    let gradients = context.attentionGradient(
      of: "MultiHeadAttention", inputs: context.node.inputs, above: above, count: count,
      attributes: context.node.attributes)
    for (input, gradient) in gradients.enumerated() { context.accumulate(gradient, to: input) }
    if context.wants(3) { try differentiateBias(&context, gradients) }
  }

  /// The bias of queries, keys and values is one vector.
  private func differentiateBias(_ context: inout GradientContext, _ gradients: [ValueID]) throws(OperatorError) {
    var parts: [ValueID?] = []
    for (input, gradient) in gradients.enumerated() {
      let shape = try context.shape(input)
      guard shape.count == 3 else { throw OperatorError("a bias of packed heads has no gradient") }
      parts.append(context.emit(.own("SumTo"), gradient, context.vector([shape[2]])))
    }
    let axis = Attribute(name: "axis", value: .int(0))
    let whole =
      parts.count == 1
      ? parts.compactMap { $0 } : context.emit(OperatorName("Concat"), parts, outputs: 1, attributes: [axis])
    for gradient in whole { context.accumulate(gradient, to: 3) }
  }
}
