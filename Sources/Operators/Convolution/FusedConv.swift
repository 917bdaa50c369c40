import Dimensions
import IR

/// `FusedConv`: a convolution, a residual added to it, and an activation.
public struct FusedConv: Operator {
  public let names: [OperatorName] = [.microsoft("FusedConv")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    try Conv().inferShapes(&context)
  }

  public func relateAxes(_ context: inout AxisContext) {
    Conv().relateAxes(&context)
    guard let output = context.node.output(0), var axes = context.axes[output.index] else { return }
    if context.has(3) {
      guard let residual = context.input(3), let shape = context.outputShape() else {
        return context.fixInputs("its residual has an unknown rank")
      }
      axes = context.broadcast([axes, residual], shape: shape) { $0.allSatisfy { $0 } }
    }
    let keepsZero = FusedActivation.keepsZero(context.node)
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }

  public func macs(_ context: MACContext) -> [MACTerm] { Conv().macs(context) }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}
