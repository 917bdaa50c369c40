import Dimensions
import IR

/// `FusedConv`: a convolution, a residual added to it, and an activation; `NhwcFusedConv` is the same with the channels
/// of all but the weight last.
public struct FusedConv: Operator {
  public let names: [OperatorName] = [.microsoft("FusedConv"), .microsoft("NhwcFusedConv")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Conv.outputShape(&context, input: 0, weight: 1, bias: 2, layout: layout(context.node))
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    Conv.relate(&context, input: 0, weight: 1, bias: 2, layout: layout(context.node))
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

  private func layout(_ node: Node) -> ChannelLayout { node.opType == "FusedConv" ? .second : .last }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    guard layout(context.node) == .second else { throw .unsupported("\(context.node.opType) is not computed") }
    return try Conv.makeKernel(context, activation: try FusedActivation.convolution(context.node), residual: 3)
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    Conv.macs(context, weight: 1, layout: layout(context.node))
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}

extension FusedConv {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let output = context.node.output(0), var gradient = context.gradient() else { return }
    let activation = context.node.string("activation") ?? ""
    guard activation == "" || activation == "Relu" else { throw OperatorError("its activation has no gradient here") }
    // Where the output is positive, so was what was rectified.
    if activation == "Relu" { gradient = context.emit(.own("ReluGradient"), output, gradient) }
    context.accumulate(gradient, to: 3)
    let node = context.node
    context.gradients[output.index] = gradient
    context.node.attributes.removeAll { $0.name.hasPrefix("activation") }
    try Conv().differentiate(&context)
    context.node = node
  }
}
