import Dimensions
import IR

/// `RandomNormal` and `RandomUniform`, and the same in the shape of another tensor.
public struct RandomTensor: FixingOperator {
  public let names = [
    OperatorName("RandomNormal"), OperatorName("RandomUniform"), OperatorName("RandomNormalLike"),
    OperatorName("RandomUniformLike"),
  ]
  public let reason = "draws random numbers"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(attribute: "dtype")
    guard !context.node.opType.hasSuffix("Like") else {
      return context.setOutput(type: type ?? context.type(0), shape: context.shape(0))
    }
    let shape = context.node.ints("shape") ?? []
    if let size = shape.first(where: { $0 < 0 }) { throw OperatorError("its shape has the size \(size)") }
    context.setOutput(type: type ?? .float, shape: shape.map { .known(Int($0)) })
  }
}
