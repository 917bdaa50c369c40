import Dimensions
import IR

/// `Bernoulli`: ones with the probabilities its input holds.
public struct Bernoulli: FixingOperator {
  public let names = [OperatorName("Bernoulli")]
  public let reason = "draws random numbers"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(attribute: "dtype") ?? context.type(0), shape: context.shape(0))
  }
}
