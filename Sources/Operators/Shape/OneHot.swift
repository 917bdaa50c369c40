import Dimensions
import IR

/// `OneHot`: turns classes into vectors, of which nothing may shrink.
public struct OneHot: Operator {
  public let names = [OperatorName("OneHot")]

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let indices = context.shape(0) else { return context.setOutput(type: context.type(2), shape: nil) }
    let axis = try context.axis(context.node.int("axis", default: -1), rank: indices.count + 1)
    var shape = indices
    shape.insert(try context.size(heldBy: 1, axis: axis), at: axis)
    context.setOutput(type: context.type(2), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("it names classes")
    context.setFixedOutput("it names classes")
  }
}
