import Dimensions
import IR

/// `TensorScatter`: writes what is new into a cache of keys or values.
public struct TensorScatter: FixingOperator {
  public let names = [OperatorName("TensorScatter")]
  public let reason = "writes at given positions"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }
}
