import Dimensions
import IR

/// `QuantizeLinear` and `DequantizeLinear`: scales and zero points follow their axis; a scalar couples nothing.
///
/// A quantized value vanishes where it is its zero point, which is what removed weights are taken to be.
public struct QuantizeLinear: Operator {
  public let names = [
    OperatorName("QuantizeLinear"), OperatorName("DequantizeLinear"), .microsoft("QuantizeLinear"),
    .microsoft("DequantizeLinear"),
  ]

  public init() {}

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0), let axis = axis(context.node, rank: shape.count), let size = shape[axis].known {
      for input in 1..<3 {
        guard let scale = context.shape(input), scale.count == 1, let count = scale[0].known, count != 1 else {
          continue
        }
        if count != size, !isBlocked(context.node) {
          throw OperatorError("input \(input) has \(count) elements, axis \(axis) has \(size)")
        }
      }
    }
    context.setOutput(type: outputType(context), shape: context.shape(0))
  }

  private func outputType(_ context: ShapeContext) -> DataType? {
    if let type = context.node.int("output_dtype").flatMap({ DataType(rawValue: Int32(truncatingIfNeeded: $0)) }) {
      return type
    }
    if context.node.opType == "DequantizeLinear" { return context.type(1) }
    return context.has(2) ? context.type(2) : .uint8
  }

  private func axis(_ node: Node, rank: Int) -> Int? {
    let attribute = Int(node.int("axis", default: 1))
    let axis = attribute < 0 ? attribute + rank : attribute
    return axis >= 0 && axis < rank ? axis : nil
  }

  private func isBlocked(_ node: Node) -> Bool { node.int("block_size", default: 0) != 0 }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    let along = axis(context.node, rank: axes.count)
    for input in 1..<3 where context.has(input) {
      if isBlocked(context.node) {
        relateBlocks(&context, axes, input, along: along)
      } else {
        context.relateScale(input, along: along.map { axes[$0].dimension })
      }
    }
    context.setOutput(axes)
  }

  /// One scale for each block of elements: a block goes or stays as a whole, the other axes are the tensor's.
  private func relateBlocks(_ context: inout AxisContext, _ axes: [Axis], _ input: Int, along: Int?) {
    guard let values = context.input(input), values.count == axes.count, let along else {
      return context.fixInputs("it is scaled in blocks of unknown shape")
    }
    let block = Int(clamping: context.node.int("block_size", default: 0))
    if block > 0, let size = context.size(axes[along]).known, size % block == 0,
      context.size(values[along]).known == size / block
    {
      let inner = context.fixedAxis(.known(block), "it is scaled in blocks of \(block)").dimension
      context.unify(axes[along].dimension, context.dimensions.product([values[along].dimension, inner]))
      context.role(input, axis: along, .rider)
    } else {
      context.fix([axes[along], values[along]], "it is scaled in blocks that do not divide it")
    }
    for index in axes.indices where index != along {
      context.unify(axes[index], values[index])
      context.role(input, axis: index, .rider)
    }
  }
}
