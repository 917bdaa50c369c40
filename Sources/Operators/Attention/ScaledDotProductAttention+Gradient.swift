import IR

extension ScaledDotProductAttention {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    guard !context.has(4), (1..<4).allSatisfy({ context.gradient($0) == nil }) else {
      throw OperatorError("Attention with a cache has no gradient")
    }
    guard !context.wants(3) else { throw OperatorError("the mask of Attention has no gradient") }
    guard (context.node.float("softcap") ?? 0) == 0 else {
      throw OperatorError("Attention with softcap has no gradient")
    }
    let gradients = context.attentionGradient(
      of: "Attention", inputs: context.node.inputs, above: above, count: 3, attributes: context.node.attributes)
    for (input, gradient) in gradients.enumerated() { context.accumulate(gradient, to: input) }
  }
}
