import Dimensions
import IR
import Kernels

/// Sums the first input over the axes along which a tensor of the shape given by the second was repeated when it was
/// broadcast: the gradient of broadcasting.
public struct SumTo: OwnOperator {
  public let names = [OperatorName.own("SumTo")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = context.facts(1).knownInts?.map { Size.known($0) }
    context.setOutput(type: context.type(0), shape: shape)
  }
}
