import IR
import Kernels

extension GlobalPool {
  static func kind(_ node: Node) throws(KernelError) -> WholePlanePool.Kind {
    if node.opType.hasPrefix("GlobalAveragePool") { return .average }
    if node.opType.hasPrefix("GlobalMaxPool") { return .maximum }
    return .norm(power: try Pool.power(node))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let kind = try Self.kind(context.node)
    let shape = try context.input(0).shape
    let (planes, count) = (shape.prefix(2).reduce(1, *), shape.dropFirst(2).reduce(1, *))
    return Kernel { arguments in
      WholePlanePool.apply(
        arguments.input(0, as: T.self), arguments.output(0), kind, planes: planes, count: count,
        workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try context.differentiatePool(attributes: context.node.copied("p"))
  }
}

/// The gradients of poolings over all positions from their input (for means, its shape as the attribute `input_shape`)
/// and the gradient of their output.
public struct GlobalPoolGradient: OwnOperator {
  public let names = [
    OperatorName.own("GlobalAveragePoolGradient"), .own("GlobalMaxPoolGradient"), .own("GlobalLpPoolGradient"),
  ]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(1), shape: context.node.pooledShape?.map { .known($0) } ?? context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(1), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let kind = try GlobalPool.kind(context.node)
    let shape = try context.output().shape
    let isMean = kind == .average
    let (planes, count) = (shape.prefix(2).reduce(1, *), shape.dropFirst(2).reduce(1, *))
    return Kernel { arguments in
      WholePlanePool.gradient(
        isMean ? nil : arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), kind, planes: planes,
        count: count,
        workers: arguments.workers)
    }
  }
}
