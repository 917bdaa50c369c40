import IR
import Kernels

extension Pool {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let geometry = try Self.geometry(context, input: context.input(0).shape, output: context.output().shape)
    switch context.node.opType {
    case "MaxPool": return try Self.maximum(context, geometry)
    case "AveragePool": return try Self.average(context.real(0), context, geometry)
    default: return try Self.norm(context.real(0), context, geometry)
    }
  }

  // MARK: Windows

  /// The windows of a node over tensors of these shapes, channels second.
  static func geometry(
    _ context: KernelContext, input: [Int], output: [Int]
  ) throws(KernelError) -> PoolGeometry {
    let rank = input.count - 2
    guard (1...3).contains(rank), output.count == input.count else {
      throw .unsupported("a pooling along \(max(0, rank)) axes")
    }
    let window: Window
    do {
      window = try Window(context.node, kernel: (context.node.ints("kernel_shape") ?? []).map { Int($0) })
    } catch { throw .invalid(error.message) }
    guard window.kernel.count == rank else { throw .invalid("kernel_shape has \(window.kernel.count) entries") }
    var axes = [PoolGeometry.Axis](repeating: .single, count: 3 - rank)
    for axis in 0..<rank { axes.append(window.pooled(axis, input: input[axis + 2], output: output[axis + 2])) }
    return PoolGeometry(planes: input[0] * input[1], depth: axes[0], height: axes[1], width: axes[2])
  }

  // MARK: Forward

  private static func maximum(_ context: KernelContext, _ geometry: PoolGeometry) throws(KernelError) -> Kernel {
    switch try context.input(0).type {
    case .uint8: return indexed(UInt8.self, lowest: 0, context, geometry)
    case .int8: return indexed(Int8.self, lowest: -128, context, geometry)
    case .double where context.hasOutput(1): return indexed(Double.self, lowest: -.infinity, context, geometry)
    case .float where context.hasOutput(1): return indexed(Float.self, lowest: -.infinity, context, geometry)
    default: return try maximum(context.real(0), geometry)
    }
  }

  private static func maximum<T: Real>(_: T.Type, _ geometry: PoolGeometry) throws(KernelError) -> Kernel {
    Kernel { arguments in
      MaximumPool.apply(
        arguments.input(0, as: T.self), arguments.output(0), geometry, workers: arguments.workers)
    }
  }

  private static func indexed<T: Comparable & BitwiseCopyable & Sendable>(
    _: T.Type, lowest: T, _ context: KernelContext, _ geometry: PoolGeometry
  ) -> Kernel {
    let countsColumnsFirst = context.node.int("storage_order", default: 0) != 0
    let hasIndices = context.hasOutput(1)
    return Kernel { arguments in
      MaximumPool.applyWithIndices(
        arguments.input(0, as: T.self), arguments.output(0), indices: hasIndices ? arguments.output(1) : nil,
        lowest: lowest, countsColumnsFirst: countsColumnsFirst, geometry, workers: arguments.workers)
    }
  }

  static func countsPadding(_ node: Node) -> Bool { node.int("count_include_pad", default: 0) != 0 }

  private static func average<T: Real>(
    _: T.Type, _ context: KernelContext, _ geometry: PoolGeometry
  ) throws(KernelError) -> Kernel {
    let countsPadding = countsPadding(context.node)
    return Kernel { arguments in
      AveragePool.apply(
        arguments.input(0, as: T.self), arguments.output(0), countsPadding: countsPadding, geometry,
        workers: arguments.workers)
    }
  }

  private static func norm<T: Real>(
    _: T.Type, _ context: KernelContext, _ geometry: PoolGeometry
  ) throws(KernelError) -> Kernel {
    let power = try power(context.node)
    return Kernel { arguments in
      NormPool.apply(
        arguments.input(0, as: T.self), arguments.output(0), power: power, geometry, workers: arguments.workers)
    }
  }

  static func power(_ node: Node) throws(KernelError) -> Int {
    let power = node.int("p", default: 2)
    guard (1..<1024).contains(power) else { throw .invalid("a norm of power \(power)") }
    return Int(power)
  }

  // MARK: Backward

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try context.differentiatePool(
      attributes: context.node.copied(
        "kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode", "count_include_pad", "p"))
  }
}

extension GradientContext {
  /// Leads the gradient through a pooling. Means do not need their input again, only its shape: nothing is kept for
  /// them.
  mutating func differentiatePool(attributes: [Attribute]) throws(OperatorError) {
    guard let gradient = gradient() else { return }
    let isMean = node.opType.hasSuffix("AveragePool")
    let shape = isMean ? [Attribute(name: "input_shape", value: .ints(try shape(0).map { Int64($0) }))] : []
    accumulate(
      emit(
        .own("\(node.opType)Gradient"), isMean ? nil : node.input(0), gradient, attributes: attributes + shape),
      to: 0)
  }
}

extension Node {
  /// The shape a pooling's gradient is to have, where the node says it rather than its first input.
  var pooledShape: [Int]? { ints("input_shape")?.map { Int($0) } }
}

extension Window {
  /// An axis of the geometry, with the padding `auto_pad` stands for.
  func pooled(_ axis: Int, input: Int, output: Int) -> PoolGeometry.Axis {
    let (before, after) = padding(axis, input: input, output: output)
    return PoolGeometry.Axis(
      input: input, output: output, kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis],
      before: before, after: after)
  }
}

/// The gradients of poolings from their input (for means, its shape as the attribute `input_shape`) and the gradient of
/// their output.
public struct PoolGradient: OwnOperator {
  public let names = [OperatorName.own("MaxPoolGradient"), .own("AveragePoolGradient"), .own("LpPoolGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(1), shape: context.node.pooledShape?.map { .known($0) } ?? context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(1), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let geometry = try Pool.geometry(context, input: context.output().shape, output: context.input(1).shape)
    switch context.node.opType {
    case "MaxPoolGradient":
      return Kernel { arguments in
        MaximumPool.gradient(
          arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), geometry,
          workers: arguments.workers)
      }
    case "AveragePoolGradient":
      let countsPadding = Pool.countsPadding(context.node)
      return Kernel { arguments in
        AveragePool.gradient(
          arguments.input(1, as: T.self), arguments.output(0), countsPadding: countsPadding, geometry,
          workers: arguments.workers)
      }
    default:
      let power = try Pool.power(context.node)
      return Kernel { arguments in
        NormPool.gradient(
          arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), power: power, geometry,
          workers: arguments.workers)
      }
    }
  }
}
