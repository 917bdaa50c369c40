import Dimensions
import IR

/// `Identity`.
public struct Identity: Operator {
  public let names = [OperatorName("Identity")]
  public let isShapeArithmetic = true

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0), contents: context.contents(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let input = context.node.input(0), let output = context.node.output(0), let axes = context.input(0) else {
      return
    }
    context.setOutput(axes)
    context.sizeTerms[output.index] = context.sizeTerms[input.index]
  }
}
