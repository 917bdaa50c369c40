import IR
import Kernels

/// A convolution with what follows it, computed while its output is in the cache: inputs `X`, `W`, bias `B` and a
/// residual `Z` of the output's shape, the last two optional.
///
/// Attributes are those of ``Conv`` and `activation` with `activation_params`, as in ONNX Runtime's `FusedConv`:
/// `Relu`, `Clip` (low, high), `LeakyRelu` (slope), `HardSigmoid` (slope, shift), `HardSwish`, `Sigmoid`, `Tanh`, `Silu`.
/// The residual is added before the activation.
public struct FusedConvolution: OwnOperator {
  public let names = [OperatorName.own("FusedConvolution")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Conv.outputShape(&context, input: 0, weight: 1, bias: 2)
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Conv.makeKernel(context, activation: try FusedActivation.convolution(context.node), residual: 3)
  }
}

extension FusedActivation {
  /// The activation a node says, for a convolution's epilogue.
  static func convolution(_ node: Node) throws(KernelError) -> ConvolutionActivation {
    var numbers: [Double] = []
    if case .floats(let floats) = node.attribute("activation_params") { numbers = floats.map { Double($0) } }
    func number(_ index: Int, default value: Double) -> Double { index < numbers.count ? numbers[index] : value }
    switch node.string("activation") {
    case nil, "": return .none
    case "Relu": return .relu
    case "Clip": return .clip(low: number(0, default: -.infinity), high: number(1, default: .infinity))
    case "LeakyRelu": return .leakyRelu(slope: number(0, default: 0.01))
    case "HardSigmoid": return .hardSigmoid(slope: number(0, default: 0.2), shift: number(1, default: 0.5))
    case "HardSwish": return .hardSwish
    case "Sigmoid": return .sigmoid
    case "Tanh": return .tanh
    case "Silu": return .silu
    case .some(let name): throw .unsupported("the activation \(name) of a convolution")
    }
  }
}
