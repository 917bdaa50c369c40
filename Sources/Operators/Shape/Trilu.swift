import Dimensions
import IR

/// `Trilu`: blanks a triangle over the last two axes, whose positions therefore matter.
public struct Trilu: Operator {
  public let names = [OperatorName("Trilu")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return }
    context.fix(axes.suffix(2), "Trilu depends on positions along it")
    context.setOutput(axes)
  }
}
