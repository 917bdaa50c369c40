import Dimensions
import IR
import Kernels

extension BiasGelu {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let kind = Self.kind(context.node.opType, context.node)
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let (rows, width) = try Self.sizes(context)
      let hasBias = context.has(1)
      return Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
        GeluKernels.forward(
          arguments.input(0, as: T.self), bias: hasBias ? arguments.input(1) : nil, arguments.output(0), rows: rows,
          width: width, kind: kind, workers: arguments.workers)
      }
    }
    return try make(context.real(0))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    let of = Attribute(name: "of", value: .string(Array(context.node.opType.utf8)))
    let gradient = context.emit(
      .own("BiasGeluGradient"), context.node.input(0), context.node.input(1), above,
      attributes: context.node.attributes + [of])
    context.accumulate(gradient, to: 0)
    if context.wants(1) { try context.accumulate(broadcast: gradient, of: context.shape(0), to: 1) }
  }

  static func kind(_ opType: String, _ node: Node) -> GeluKernels.Kind {
    switch opType {
    case "FastGelu": .tanh
    case "QuickGelu": .quick(node.float("alpha") ?? 1.702)
    default: .exact
    }
  }

  /// Rows that one bias is added to.
  static func sizes(_ context: KernelContext) throws(KernelError) -> (rows: Int, width: Int) {
    let x = try context.input(0)
    guard context.has(1) else {
      // Without a bias, any cut into rows will do.
      let width = x.shape.last.map { max(1, $0) } ?? 1
      return (x.count / width, width)
    }
    let bias = try context.input(1)
    guard bias.count == x.shape.last ?? 1 else { throw .unsupported("a bias of shape \(bias.shape)") }
    return (bias.count > 0 ? x.count / bias.count : 0, bias.count)
  }
}

/// The gradient of ``BiasGelu`` towards the sum of input and bias: takes both, and the gradient of the output.
public struct BiasGeluGradient: OwnOperator {
  public let names = [OperatorName.own("BiasGeluGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let kind = BiasGelu.kind(context.node.string("of") ?? "", context.node)
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let (rows, width) = try BiasGelu.sizes(context)
      let hasBias = context.has(1)
      return Kernel(sharing: .overwrites([0, 2])) { arguments throws(KernelError) in
        GeluKernels.backward(
          arguments.input(0, as: T.self), bias: hasBias ? arguments.input(1) : nil, arguments.input(2),
          arguments.output(0), rows: rows, width: width, kind: kind, workers: arguments.workers)
      }
    }
    return try make(context.real(0))
  }
}
