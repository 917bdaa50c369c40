import Dimensions
import IR

/// `Softmax`, `LogSoftmax` and `Hardmax`: normalise over an axis (before operator set 13: over all axes from it on).
public struct Softmax: Operator {
  public let names = [OperatorName("Softmax"), OperatorName("LogSoftmax"), OperatorName("Hardmax")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return }
    let attribute = Int(context.node.int("axis", default: context.opset >= 13 ? -1 : 1))
    let along = attribute < 0 ? attribute + axes.count : attribute
    guard axes.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
    let normalized = context.opset >= 13 ? along...along : along...(axes.count - 1)
    for axis in normalized { context.approximate(axes[axis], "\(context.node.opType) normalizes over it") }
    context.setOutput(axes.map { Axis($0.dimension, vanishes: false) })
  }
}
