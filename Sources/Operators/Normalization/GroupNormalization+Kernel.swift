import IR
import Kernels

extension GroupNormalization {
  /// How groups lie: before operator set 21 a scale held for a whole group.
  static func layout(_ context: KernelContext, groups: Int) throws(KernelError) -> GroupedNormalization.Layout {
    let x = try context.input(0)
    guard x.rank > 1, groups > 0, x.shape[1] % groups == 0 else {
      throw .invalid("\(groups) groups do not divide the channels of a tensor of shape \(x.shape)")
    }
    let (channels, positions) = (x.shape[1], x.shape.dropFirst(2).reduce(1, *))
    let scales = try context.input(1).count
    guard try context.input(1).type == x.type, scales == channels || scales == groups else {
      throw .unsupported("\(scales) scales for \(channels) channels in \(groups) groups")
    }
    // Without channels there is nothing to normalize, and no part to count.
    let parts = scales / groups
    return GroupedNormalization.Layout(
      batch: x.shape[0], groups: groups, parts: parts, inner: parts > 0 ? channels / groups / parts * positions : 0)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.make(context.real(0), context, groups: Int(context.node.int("num_groups", default: 0)))
  }

  static func make<T: Real>(
    _: T.Type, _ context: KernelContext, groups: Int
  ) throws(KernelError) -> Kernel {
    let layout = try layout(context, groups: groups)
    guard try context.input(2).count == layout.scales else { throw .invalid("scale and bias differ in size") }
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    return Kernel(sharing: .overwrites([0])) { arguments in
      GroupedNormalization.apply(
        arguments.input(0, as: T.self), scale: arguments.input(1), bias: arguments.input(2), epsilon: epsilon,
        arguments.output(0), layout, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Self.differentiate(&context, groups: context.node.int("num_groups", default: 0))
  }

  static func differentiate(_ context: inout GradientContext, groups: Int64) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    context.emitGradients(
      .own("GroupNormalizationGradient"), [context.node.input(0), context.node.input(1), gradient], towards: 0..<3,
      attributes: context.node.copied("epsilon") + [Attribute(name: "num_groups", value: .int(groups))])
  }
}

extension InstanceNormalization {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let x = try context.input(0)
    guard x.rank > 1 else { throw .invalid("the input has \(x.rank) axes, expected at least 2") }
    return try GroupNormalization.make(context.real(0), context, groups: x.shape[1])
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    // There are as many groups as channels, and as many scales.
    let scales = try context.shape(1).reduce(1, *)
    try GroupNormalization.differentiate(&context, groups: Int64(scales))
  }
}

/// The gradients of a group normalization from x, scale and the gradient of the output, towards x, scale and shift.
public struct GroupNormalizationGradient: OwnOperator {
  public let names = [OperatorName.own("GroupNormalizationGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    for output in 1..<3 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try GroupNormalization.layout(context, groups: Int(context.node.int("num_groups", default: 0)))
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    let has = (0..<3).map { context.hasOutput($0) }
    let scratchBytes = 2 * layout.batch * layout.scales * MemoryLayout<Double>.stride
    return Kernel(scratchBytes: scratchBytes) { arguments in
      GroupedNormalization.gradient(
        arguments.input(0, as: T.self), scale: arguments.input(1), arguments.input(2), epsilon: epsilon,
        has[0] ? arguments.optionalOutput(0) : nil, scaleGradient: has[1] ? arguments.optionalOutput(1) : nil,
        biasGradient: has[2] ? arguments.optionalOutput(2) : nil,
        partials: arguments.scratch.assumingMemoryBound(to: Double.self), layout, workers: arguments.workers)
    }
  }
}
