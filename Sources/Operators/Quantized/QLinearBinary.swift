import Dimensions
import IR

/// `QLinearAdd` and `QLinearMul`: arithmetic of integers, each operand with a scale and a zero point.
public struct QLinearBinary: Operator {
  public let names: [OperatorName] = [.microsoft("QLinearAdd"), .microsoft("QLinearMul")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast([context.shape(0), context.shape(3)])
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let a = context.input(0), let b = context.input(3), let shape = context.outputShape() else {
      return context.fixInputs("an operand has an unknown rank")
    }
    context.relateScales([1, 2, 4, 5, 6, 7])
    for (input, axes) in [(0, a), (3, b)] where context.isWeight(input) {
      for axis in axes.indices { context.role(input, axis: axis, .rider) }
    }
    let isSum = context.node.opType == "QLinearAdd"
    context.setOutput(
      context.broadcast([a, b], shape: shape) { isSum ? $0.allSatisfy { $0 } : $0.contains(true) })
  }
}
