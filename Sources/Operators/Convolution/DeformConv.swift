import Dimensions
import IR

/// `DeformConv`: a convolution whose window bends. Offsets shared by all channels couple nothing; where channels are
/// divided among several offsets, they may not shrink.
public struct DeformConv: Operator {
  public let names = [OperatorName("DeformConv")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Conv.outputShape(&context, input: 0, weight: 1, bias: 3)
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    for input in [2, 4] { context.fix(context.input(input) ?? [], "it bends a window") }
    guard context.node.int("offset_group", default: 1) == 1 else {
      context.fixInputs("its channels are divided among offsets")
      return context.setFixedOutput("its channels are divided among offsets")
    }
    Conv.relate(&context, input: 0, weight: 1, bias: 3)
  }

  public func macs(_ context: MACContext) -> [MACTerm] { Conv.macs(context, weight: 1) }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}
