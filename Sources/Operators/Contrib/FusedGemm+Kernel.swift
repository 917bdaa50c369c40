import IR
import Kernels

extension FusedGemm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Gemm.kernel(context, activation: try Self.activation(context.node))
  }

  /// - Throws: where the node names one that is not known.
  static func activation(_ node: Node) throws(KernelError) -> FusedActivationKernels.Kind {
    func parameter(_ name: String, _ value: Float) -> Float { node.float("activation_\(name)") ?? value }
    switch node.string("activation") ?? "" {
    case "": return .none
    case "Relu": return .relu
    case "LeakyRelu": return .leakyRelu(parameter("alpha", 0.01))
    case "Tanh": return .tanh
    case "Sigmoid": return .sigmoid
    case "Softsign": return .softsign
    case "Softplus": return .softplus
    case "Elu": return .elu(parameter("alpha", 1))
    case "HardSigmoid": return .hardSigmoid(parameter("alpha", 0.2), parameter("beta", 0.5))
    case "ThresholdedRelu": return .thresholdedRelu(parameter("alpha", 1))
    case let name: throw .unsupported("the activation \(name)")
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard var above = context.gradient(), let y = context.node.output(0) else { return }
    if context.node.string("activation") ?? "" != "" {
      above = context.emit(.own("FusedActivationGradient"), y, above, attributes: context.node.attributes)
    }
    try Gemm.differentiate(&context, above)
  }
}

/// The gradient of a fused activation: takes its output and that one's gradient.
public struct FusedActivationGradient: OwnOperator {
  public let names = [OperatorName.own("FusedActivationGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let activation = try FusedGemm.activation(context.node)
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let count = try context.input(0).count
      return Kernel(sharing: .overwrites([0, 1])) { arguments throws(KernelError) in
        FusedActivationKernels.backward(
          activation, arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), count,
          workers: arguments.workers)
      }
    }
    return try make(context.real(0))
  }
}
