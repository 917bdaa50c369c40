import Dimensions
import IR

/// `BiasAdd`: a bias on the last axis and a residual.
public struct BiasAdd: Operator {
  public let names: [OperatorName] = [.microsoft("BiasAdd")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast((0..<3).map { context.shape($0) })
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let bias = context.input(1), let residual = context.input(2),
      let shape = context.outputShape()
    else { return context.fixInputs("an operand has an unknown rank") }
    if let last = bias.indices.last { context.role(1, axis: last, .producer) }
    context.setOutput(context.broadcast([x, bias, residual], shape: shape) { $0.allSatisfy { $0 } })
  }
}
