import Dimensions
import IR

/// `LayerNormalization`, `RMSNormalization` and their contrib spellings: normalize over the last axes.
public struct LayerNormalization: Operator {
  public let names = [
    OperatorName("LayerNormalization"), OperatorName("RMSNormalization"),
    OperatorName("SimplifiedLayerNormalization"), .microsoft("LayerNormalization"),
    .microsoft("SimplifiedLayerNormalization"),
  ]

  private func first(_ node: Node, rank: Int) -> Int? {
    let axis = Int(node.int("axis", default: -1))
    let index = axis < 0 ? axis + rank : axis
    return index >= 0 && index < rank ? index : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let first = first(context.node, rank: shape.count) else {
      throw OperatorError("its axis is outside a tensor of \(shape.count) axes")
    }
    context.setOutput(0, type: context.type(0), shape: shape)
    let statistics = shape[..<first] + shape[first...].map { _ in Size.known(1) }
    for output in 1..<3 { context.setOutput(output, type: .float, shape: Array(statistics)) }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), let first = first(context.node, rank: axes.count) else {
      return context.fixInputs("its input has an unknown rank")
    }
    for axis in first..<axes.count {
      context.approximate(axes[axis], "\(context.node.opType) averages over it")
      context.note(.normalizedWidth, axes[axis])
      axes[axis].vanishes = false
    }
    Self.relateScales(&context, axes, inputs: 1..<context.node.inputs.count)
    context.setOutput(0, axes)
  }

  /// Scales and shifts follow the trailing axes.
  static func relateScales(_ context: inout AxisContext, _ axes: [Axis], inputs: Range<Int>) {
    for input in inputs where context.has(input) {
      guard let values = context.input(input), values.count <= axes.count else {
        context.fixInputs("its scale has an unknown shape")
        continue
      }
      for (axis, value) in zip(axes.suffix(values.count), values) where !context.size(value).isOne {
        context.unify(axis, value)
      }
      for axis in values.indices { context.role(input, axis: axis, .rider) }
    }
  }
}
