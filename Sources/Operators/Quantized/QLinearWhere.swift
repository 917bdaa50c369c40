import Dimensions
import IR

/// `QLinearWhere`: a choice between integers, each with a scale and a zero point.
public struct QLinearWhere: Operator {
  public let names: [OperatorName] = [.microsoft("QLinearWhere")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast([context.shape(0), context.shape(1), context.shape(4)])
    context.setOutput(type: context.type(1), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let condition = context.input(0), let x = context.input(1), let y = context.input(4),
      let shape = context.outputShape()
    else { return context.fixInputs("an operand has an unknown rank") }
    context.relateScales([2, 3, 5, 6, 7, 8])
    // What is chosen vanishes where both choices do, whatever the condition says.
    context.setOutput(context.broadcast([condition, x, y], shape: shape) { $0[1] && $0[2] })
  }
}
