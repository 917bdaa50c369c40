import Dimensions
import IR

/// `BiasGelu`, `FastGelu`, `QuickGelu` and the contrib `Gelu`: an optional bias on the last axis, then an activation
/// that keeps zero.
public struct BiasGelu: Operator {
  public let names: [OperatorName] = [
    .microsoft("BiasGelu"), .microsoft("FastGelu"), .microsoft("QuickGelu"), .microsoft("Gelu"),
  ]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let size = context.shape(1)?.last?.known, let width = context.shape(0)?.last?.known, size != 1, size != width {
      throw OperatorError("the bias has \(size) elements, expected \(width)")
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    guard context.has(1) else { return context.setOutput(axes) }
    guard let bias = context.input(1), let shape = context.outputShape() else {
      return context.fixInputs("its bias has an unknown rank")
    }
    if let last = bias.indices.last { context.role(1, axis: last, .producer) }
    context.setOutput(context.broadcast([axes, bias], shape: shape) { $0.allSatisfy { $0 } })
  }
}
