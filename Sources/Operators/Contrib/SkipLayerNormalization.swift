import Dimensions
import IR

/// `SkipLayerNormalization` and its simplified form: a residual sum, normalized over the last axis.
public struct SkipLayerNormalization: Operator {
  public let names: [OperatorName] = [
    .microsoft("SkipLayerNormalization"), .microsoft("SkipSimplifiedLayerNormalization"),
  ]

  public init() {}

  private func isSimplified(_ node: Node) -> Bool { node.opType == "SkipSimplifiedLayerNormalization" }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard !shape.isEmpty else { throw OperatorError("the input is a scalar") }
    try LayerNormalization.checkScales(context, 1..<5, width: shape.last)
    context.setOutput(0, type: context.type(0), shape: shape)
    for output in 1..<3 { context.setOutput(output, type: .float, shape: shape.dropLast() + [Size.known(1)]) }
    context.setOutput(3, type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let skip = context.input(1), let shape = context.outputShape(), !x.isEmpty else {
      return context.fixInputs("an operand has an unknown rank")
    }
    var summands = [x, skip]
    let bias = isSimplified(context.node) ? 3 : 4
    if context.has(bias) {
      guard let values = context.input(bias) else { return context.fixInputs("its bias has an unknown rank") }
      summands.append(values)
      if let last = values.indices.last { context.role(bias, axis: last, .producer) }
    }
    let sum = context.broadcast(summands, shape: shape) { $0.allSatisfy { $0 } }
    LayerNormalization.relate(
      &context, sum, first: sum.count - 1, scale: 2, shift: isSimplified(context.node) ? nil : 3)
    context.setOutput(3, sum)
  }
}
