import Dimensions
import IR

/// `EyeLike`: ones on a diagonal, in the shape of a matrix.
public struct EyeLike: FixingOperator {
  public let names = [OperatorName("EyeLike")]
  public let reason = "depends on positions"
  public let readsShapeAlone = true

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(attribute: "dtype") ?? context.type(0), shape: context.shape(0))
  }
}
