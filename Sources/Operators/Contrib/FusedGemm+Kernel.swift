import Dimensions
import IR
import Kernels

extension FusedGemm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let activation = try Self.activation(context.node)
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      try kernel(context, activation, as: T.self)
    }
    return try make(context.real(0))
  }

  /// `nil` where the node names one that is not known.
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

  private func kernel<T: Real>(
    _ context: KernelContext, _ activation: FusedActivationKernels.Kind, as type: T.Type
  ) throws(KernelError) -> Kernel {
    let (a, y) = (try context.input(0).shape, try context.output().shape)
    let b = try context.input(1).shape
    let transposed = (Self.isSet(context.node, "transA"), Self.isSet(context.node, "transB"))
    guard a.count == 2, b.count == 2, y.count == 2 else { throw .invalid("operands of shapes \(a) and \(b)") }
    let inner = transposed.0 ? a[0] : a[1]
    guard y == [transposed.0 ? a[1] : a[0], transposed.1 ? b[0] : b[1]], inner == (transposed.1 ? b[1] : b[0]) else {
      throw .invalid("operands of shapes \(a) and \(b) for a result of shape \(y)")
    }
    try context.checkOneType([0, 1, 2])
    let beta = T(context.node.float("beta") ?? 1)
    let addend = context.has(2) && beta != 0 ? try BroadcastStrides([context.input(2).shape], to: y) : nil
    let alpha = T(context.node.float("alpha") ?? 1)
    let product = try context.matrixProduct()
    return Kernel { arguments throws(KernelError) in
      let result: UnsafeMutablePointer<T> = arguments.output(0)
      if let addend {
        let c: UnsafePointer<T> = arguments.input(2)
        for row in 0..<y[0] {
          let own = c + addend.start(0, row: row)
          for column in 0..<y[1] { result[row * y[1] + column] = own[column * addend.steps[0]] }
        }
      }
      product(
        rows: y[0], columns: y[1], inner: inner, alpha: alpha,
        MatrixProduct.Operand(arguments.input(0), leading: a[1], isTransposed: transposed.0),
        MatrixProduct.Operand(arguments.input(1), leading: b[1], isTransposed: transposed.1),
        beta: addend == nil ? 0 : beta, result, leading: y[1], workers: arguments.workers)
      FusedActivationKernels.apply(activation, result, y[0] * y[1], workers: arguments.workers)
    }
  }

  private static func isSet(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard var above = context.gradient(), let y = context.node.output(0), let a = context.node.input(0),
      let b = context.node.input(1)
    else { return }
    if context.node.string("activation") ?? "" != "" {
      above = context.emit(.own("FusedActivationGradient"), y, above, attributes: context.node.attributes)
    }
    let transposed = (Self.isSet(context.node, "transA"), Self.isSet(context.node, "transB"))
    let alpha = context.node.float("alpha") ?? 1
    if context.wants(0) {
      context.accumulate(
        transposed.0
          ? context.product(b, above, transposeA: transposed.1, transposeB: true, alpha: alpha)
          : context.product(above, b, transposeB: !transposed.1, alpha: alpha), to: 0)
    }
    if context.wants(1) {
      context.accumulate(
        transposed.1
          ? context.product(above, a, transposeA: true, transposeB: transposed.0, alpha: alpha)
          : context.product(a, above, transposeA: !transposed.0, alpha: alpha), to: 1)
    }
    guard context.wants(2) else { return }
    let beta = context.node.float("beta") ?? 1
    let scaled = beta == 1 ? above : context.emit(OperatorName("Mul"), above, context.scalar(Double(beta)))
    try context.accumulate(broadcast: scaled, of: context.outputShape(), to: 2)
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
