import IR
import Kernels

extension LpNormalization {
  static func layout(_ context: KernelContext) throws(KernelError) -> AxisNormalization.Layout {
    let shape = try context.input(0).shape
    let axis = try context.axis(context.node.int("axis", default: -1), rank: shape.count)
    return AxisNormalization.Layout(
      outer: shape[..<axis].reduce(1, *), count: shape.isEmpty ? 1 : shape[axis],
      inner: shape.dropFirst(axis + 1).reduce(1, *))
  }

  static func power(_ node: Node) throws(KernelError) -> Int {
    let power = node.int("p", default: 2)
    guard power == 1 || power == 2 else { throw .unsupported("a norm of power \(power)") }
    return Int(power)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (layout, power) = (try Self.layout(context), try Self.power(context.node))
    return Kernel(sharing: .overwrites([0])) { arguments in
      AxisNormalization.divideByNorm(
        arguments.input(0, as: T.self), arguments.output(0), power: power, layout, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    context.differentiateElementwise("LpNormalizationGradient", attributes: context.node.copied("axis", "p"))
  }
}

extension LRN {
  static func response(_ node: Node) throws(KernelError) -> AxisNormalization.Response {
    let size = node.int("size", default: 1)
    guard size > 0, size < 1 << 30 else { throw .invalid("a window of \(size) channels") }
    return AxisNormalization.Response(
      size: Int(size), alpha: node.decimal("alpha", default: 1e-4), beta: node.decimal("beta", default: 0.75),
      bias: node.decimal("bias", default: 1))
  }

  static func layout(_ context: KernelContext) throws(KernelError) -> AxisNormalization.Layout {
    let shape = try context.input(0).shape
    guard shape.count > 1 else { throw .invalid("the input has \(shape.count) axes, expected at least 2") }
    return AxisNormalization.Layout(
      outer: shape[0], count: shape[1], inner: shape.dropFirst(2).reduce(1, *))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (layout, response) = (try Self.layout(context), try Self.response(context.node))
    return Kernel { arguments in
      AxisNormalization.respond(
        arguments.input(0, as: T.self), arguments.output(0), response, layout, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    context.differentiateElementwise(
      "LRNGradient", attributes: context.node.copied("size", "alpha", "beta", "bias"))
  }
}

extension MeanVarianceNormalization {
  /// Added to the deviation, as the function that defines the operator does.
  static let epsilon = 1e-9

  static func layout(_ context: KernelContext) throws(KernelError) -> DeviationNormalization.Layout {
    let shape = try context.input(0).shape
    var averaged: Set<Int> = []
    for axis in context.node.ints("axes") ?? [0, 2, 3] { averaged.insert(try context.axis(axis, rank: shape.count)) }
    var (steps, groups) = ([Int](repeating: 0, count: shape.count), 1)
    for axis in shape.indices.reversed() where !averaged.contains(axis) {
      steps[axis] = groups
      groups *= shape[axis]
    }
    return DeviationNormalization.Layout(shape: shape, steps: steps, groups: groups)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try Self.layout(context)
    let bytes = DeviationNormalization.scratchCount(layout) * MemoryLayout<Double>.stride
    return Kernel(sharing: .overwrites([0]), scratchBytes: bytes) { arguments in
      DeviationNormalization.apply(
        arguments.input(0, as: T.self), arguments.output(0), epsilon: Self.epsilon, layout,
        scratch: arguments.scratch.assumingMemoryBound(to: Double.self))
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    context.differentiateElementwise(
      "MeanVarianceNormalizationGradient", attributes: context.node.copied("axes"))
  }
}

extension GradientContext {
  /// Leads the gradient to the first input by an own operator that takes this input and the gradient.
  mutating func differentiateElementwise(_ operation: String, attributes: [Attribute]) {
    guard let gradient = gradient() else { return }
    accumulate(emit(.own(operation), node.input(0), gradient, attributes: attributes), to: 0)
  }
}

/// The gradients of `LpNormalization`, `LRN` and `MeanVarianceNormalization` from their input and the gradient of their
/// output.
public struct AxisNormalizationGradient: OwnOperator {
  public let names = [
    OperatorName.own("LpNormalizationGradient"), .own("LRNGradient"), .own("MeanVarianceNormalizationGradient"),
  ]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch context.node.opType {
    case "LpNormalizationGradient": try norm(context.real(0), context)
    case "LRNGradient": try response(context.real(0), context)
    default: try deviation(context.real(0), context)
    }
  }

  private func norm<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (layout, power) = (try LpNormalization.layout(context), try LpNormalization.power(context.node))
    return Kernel { arguments in
      AxisNormalization.normGradient(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), power: power, layout,
        workers: arguments.workers)
    }
  }

  private func response<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (layout, response) = (try LRN.layout(context), try LRN.response(context.node))
    let bytes = try context.input(0).count * MemoryLayout<T>.stride
    return Kernel(scratchBytes: bytes) { arguments in
      AxisNormalization.responseGradient(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0),
        weights: arguments.scratch.assumingMemoryBound(to: T.self), response, layout, workers: arguments.workers)
    }
  }

  private func deviation<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try MeanVarianceNormalization.layout(context)
    let bytes = DeviationNormalization.scratchCount(layout) * MemoryLayout<Double>.stride
    return Kernel(scratchBytes: bytes) { arguments in
      DeviationNormalization.gradient(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0),
        epsilon: MeanVarianceNormalization.epsilon, layout,
        scratch: arguments.scratch.assumingMemoryBound(to: Double.self))
    }
  }
}
