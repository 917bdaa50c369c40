import Dimensions
import IR

/// `NonZero`: positions, as many as the data has.
public struct NonZero: ChoosingOperator {
  public let names = [OperatorName("NonZero")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let rank = context.shape(0).map { Size.known($0.count) } ?? context.freshSize(axis: 0)
    context.setOutput(type: .int64, shape: [rank, context.freshSize(axis: 1)])
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("NonZero depends on positions along it")
    context.setFixedOutput("it holds positions")
  }
}
