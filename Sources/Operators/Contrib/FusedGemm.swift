import Dimensions
import IR

/// `FusedGemm`: a `Gemm` and an activation.
public struct FusedGemm: Operator {
  public let names: [OperatorName] = [.microsoft("FusedGemm")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    try Gemm().inferShapes(&context)
  }

  public func relateAxes(_ context: inout AxisContext) {
    Gemm().relateAxes(&context)
    guard let output = context.node.output(0), let axes = context.axes[output.index] else { return }
    let keepsZero = FusedActivation.keepsZero(context.node)
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }

  public func macs(_ context: MACContext) -> [MACTerm] { Gemm().macs(context) }
}
