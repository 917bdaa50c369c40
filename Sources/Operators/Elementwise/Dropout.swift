import Dimensions
import IR

/// `Dropout`: the identity at inference; its mask has the input's axes.
public struct Dropout: Operator {
  public let names = [OperatorName("Dropout")]

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    context.setOutput(1, type: context.opset >= 10 ? .bool : context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return }
    context.setOutput(0, axes)
    context.setOutput(1, axes.map { Axis($0.dimension, vanishes: false) })
  }
}
