import Dimensions
import IR

/// `NonMaxSuppression`: the boxes of the highest scores that do not overlap.
public struct NonMaxSuppression: FixingOperator, ChoosingOperator {
  public let names = [OperatorName("NonMaxSuppression")]
  public let reason = "chooses boxes"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: .int64, shape: [context.freshSize(axis: 0), .known(3)])
  }
}
