import Dimensions
import IR

/// `Multinomial`: draws classes, whose logarithmic weights each row of its input holds.
public struct Multinomial: FixingOperator {
  public let names = [OperatorName("Multinomial")]
  public let reason = "draws random numbers"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let samples = context.node.int("sample_size", default: 1)
    guard samples >= 0 else { throw OperatorError("its sample_size is \(samples)") }
    let shape = context.shape(0).map { [$0.first ?? .known(1), .known(Int(samples))] }
    context.setOutput(type: context.type(attribute: "dtype") ?? .int32, shape: shape)
  }
}
