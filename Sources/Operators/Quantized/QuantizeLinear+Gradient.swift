import IR

extension QuantizeLinear {
  /// Towards scales alone: x = (q − zero)·scale, and integers have no gradient.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.node.opType == "DequantizeLinear" else {
      throw OperatorError("QuantizeLinear rounds, which has no gradient")
    }
    guard context.wants(1), let above = context.gradient(), let scale = context.node.input(1) else { return }
    guard context.node.int("block_size", default: 0) == 0 else {
      throw OperatorError("scales of blocks have no gradient")
    }
    // The integers less their zero points are what a scale of one would give.
    let ones = context.emit(OperatorName("Div"), scale, scale)
    let name = OperatorName("DequantizeLinear", domain: context.node.canonicalDomain)
    let integers = context.emit(
      name, [context.node.input(0), ones, context.node.input(2)], outputs: 1, attributes: context.node.attributes)[0]
    let product = context.emit(OperatorName("Mul"), above, integers)
    let (shape, scales) = (try context.outputShape(), try context.shape(1))
    guard let count = scales.first, count > 1 else {
      return context.accumulate(context.emit(.own("SumTo"), product, context.vector(scales)), to: 1)
    }
    let axis = Int(context.node.int("axis", default: 1))
    let index = axis < 0 ? axis + shape.count : axis
    let aligned = shape.indices.map { $0 == index ? count : 1 }
    let sums = context.emit(.own("SumTo"), product, context.vector(aligned))
    context.accumulate(context.emit(OperatorName("Reshape"), sums, context.vector([count])), to: 1)
  }
}
