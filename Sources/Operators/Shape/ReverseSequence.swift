import Dimensions
import IR

/// `ReverseSequence`: reverses a stretch of each batch entry; the other axes pass.
public struct ReverseSequence: Operator {
  public let names = [OperatorName("ReverseSequence")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), axes.count >= 2 else { return context.fixInputs("it has an unknown rank") }
    // Its two axes are the first two, in either order.
    context.fix(axes.prefix(2), "ReverseSequence depends on positions along it")
    context.fix(context.input(1) ?? [], "it counts positions")
    context.setOutput(axes)
  }
}
