import Dimensions
import IR

/// `QLinearSigmoid`, `QLinearLeakyRelu` and `QLinearSoftmax`: functions of integers with a scale before and after.
public struct QLinearUnary: Operator {
  public let names: [OperatorName] = [
    .microsoft("QLinearSigmoid"), .microsoft("QLinearLeakyRelu"), .microsoft("QLinearSoftmax"),
  ]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    context.relateScales([1, 2, 3, 4])
    if context.node.opType == "QLinearSoftmax" {
      let attribute = Int(context.node.int("axis", default: -1))
      let along = attribute < 0 ? attribute + axes.count : attribute
      guard axes.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
      // Softmax of operator sets before 13 normalizes over all axes from this one on.
      let last = context.node.int("opset", default: 13) >= 13 ? along : axes.count - 1
      for axis in along...last { context.approximate(axes[axis], "QLinearSoftmax normalizes over it") }
    }
    let keepsZero = context.node.opType == "QLinearLeakyRelu"
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }
}
