import Dimensions
import IR

/// `QuantizeLinear` and `DequantizeLinear`: scales and zero points follow their axis; a scalar couples nothing.
public struct QuantizeLinear: Operator {
  public let names = [OperatorName("QuantizeLinear"), OperatorName("DequantizeLinear")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type: DataType?
    if context.node.opType == "DequantizeLinear" {
      type = context.type(1)
    } else if context.has(2) {
      type = context.type(2)
    } else {
      type = context.node.int("output_dtype").flatMap { DataType(rawValue: Int32(truncatingIfNeeded: $0)) } ?? .uint8
    }
    context.setOutput(type: type, shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    let attribute = Int(context.node.int("axis", default: 1))
    let along = attribute < 0 ? attribute + axes.count : attribute
    for input in 1..<max(1, context.node.inputs.count) where context.has(input) {
      guard let values = context.input(input) else { return context.fixInputs("its scale has an unknown shape") }
      if values.allSatisfy({ context.size($0).isOne }) { continue }
      guard values.count == 1, axes.indices.contains(along), context.node.int("block_size", default: 0) == 0 else {
        return context.fixInputs("it is scaled in blocks")
      }
      context.unify(axes[along], values[0])
      context.role(input, axis: 0, .rider)
    }
    context.setOutput(axes)
  }
}
