import Dimensions
import IR

/// `SkipLayerNormalization` and its simplified form: a residual sum, normalized over the last axis.
public struct SkipLayerNormalization: Operator {
  public let names: [OperatorName] = [
    .microsoft("SkipLayerNormalization"), .microsoft("SkipSimplifiedLayerNormalization"),
  ]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    context.setOutput(0, type: context.type(0), shape: shape)
    for output in 1..<3 {
      context.setOutput(output, type: .float, shape: shape.dropLast() + [Size.known(1)])
    }
    context.setOutput(3, type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let skip = context.input(1), let shape = context.outputShape(), !x.isEmpty else {
      return context.fixInputs("an operand has an unknown rank")
    }
    var sum = context.broadcast([x, skip], shape: shape) { $0.allSatisfy { $0 } }
    LayerNormalization.relateScales(&context, sum, inputs: 2..<context.node.inputs.count)
    let last = sum.count - 1
    context.approximate(sum[last], "\(context.node.opType) averages over it")
    context.note(.normalizedWidth, sum[last])
    sum[last].vanishes = false
    context.setOutput(0, sum)
    context.setOutput(3, sum)
  }
}
