import Dimensions
import IR

/// `ScatterND` and `ScatterElements`: write into a copy of the data at given places; nothing of it may shrink.
public struct ScatterND: Operator {
  public let names = [OperatorName("ScatterND"), OperatorName("ScatterElements"), OperatorName("Scatter")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("it is written at given positions")
    context.setFixedOutput("it is written at given positions")
  }
}
