import IR
import Kernels

extension QuantizeLinear {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    context.node.opType == "QuantizeLinear" ? try quantizing(context) : try dequantizing(context)
  }

  private func quantizing(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real, Q: QuantizedInteger>(_ real: T.Type, _ integer: Q.Type) throws(KernelError) -> Kernel {
      let slices = try ScaledSlices(context)
      return Kernel { arguments throws(KernelError) in
        let x: UnsafePointer<T> = arguments.input(0)
        let y: UnsafeMutablePointer<Q> = arguments.output(0)
        slices.forEach(arguments) { start, count, scale, zero in
          Quantize.quantize(x + start, count, scale: Float(scale), zero: zero, y + start)
        }
      }
    }
    let type = try context.output().type
    guard type != .int32 else { throw .unsupported("quantized elements of type \(type)") }
    func open<T: Real>(_ real: T.Type) throws(KernelError) -> Kernel { try make(real, KernelContext.quantized(type)) }
    return try open(context.real(0))
  }

  private func dequantizing(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real, Q: QuantizedInteger>(_ real: T.Type, _ integer: Q.Type) throws(KernelError) -> Kernel {
      let slices = try ScaledSlices(context)
      return Kernel { arguments throws(KernelError) in
        let q: UnsafePointer<Q> = arguments.input(0)
        let x: UnsafeMutablePointer<T> = arguments.output(0)
        slices.forEach(arguments) { start, count, scale, zero in
          Quantize.dequantize(q + start, count, scale: T(scale), zero: zero, x + start)
        }
      }
    }
    let type = try context.input(0).type
    func open<T: Real>(_ real: T.Type) throws(KernelError) -> Kernel { try make(real, KernelContext.quantized(type)) }
    return try open(context.outputReal())
  }
}

/// The runs of elements of a tensor that share a scale.
private struct ScaledSlices: Sendable {
  let scale: NumberInput
  let zeroPoint: NumberInput?
  /// Elements before, along and after the axis of scales.
  let outer: Int
  let along: Int
  let inner: Int
  /// How many neighbours along the axis share a scale.
  let block: Int
  /// How many scales lie along the axis, and whether each outer and inner position has its own.
  let blocks: Int
  let isBlocked: Bool

  init(_ context: KernelContext) throws(KernelError) {
    guard let scale = NumberInput(context, 1) else { throw .invalid("it has no scale") }
    self.scale = scale
    zeroPoint = NumberInput(context, 2)
    let x = try context.input(0)
    try context.check(
      2, "zero points", counts: [scale.count],
      type: context.node.opType == "QuantizeLinear" ? context.output().type : x.type)
    block = Int(context.node.int("block_size", default: 0))
    isBlocked = block > 0
    if scale.count == 1, !isBlocked {
      (outer, along, inner, blocks) = (1, 1, x.count, 1)
      return
    }
    let axis = try context.axis(context.node.int("axis", default: 1), rank: x.rank)
    outer = x.shape[..<axis].reduce(1, *)
    along = x.shape[axis]
    inner = x.shape[(axis + 1)...].reduce(1, *)
    blocks = isBlocked ? along / block + (along % block > 0 ? 1 : 0) : along
    guard scale.count == (isBlocked ? outer * blocks * inner : along) else {
      throw .invalid("\(scale.count) scales for \(along) elements of axis \(axis)")
    }
  }

  func forEach(
    _ arguments: KernelArguments, _ body: (_ start: Int, _ count: Int, _ scale: Double, _ zero: Int32) -> Void
  ) {
    let scales = scale.doubles(arguments)
    let zeros = zeroPoint?.ints(arguments) ?? [Int32](repeating: 0, count: scales.count)
    if isBlocked { return forEachBlocked(arguments, scales, zeros, body) }
    if outer * along == 1 {
      return arguments.workers.forEachRange(of: inner, grain: 65_536) {
        body($0.lowerBound, $0.count, scales[0], zeros[0])
      }
    }
    arguments.workers.forEachRange(of: outer * along, grain: max(1, 32_768 / max(1, inner))) { range in
      for slice in range { body(slice * inner, inner, scales[slice % along], zeros[slice % along]) }
    }
  }

  private func forEachBlocked(
    _ arguments: KernelArguments, _ scales: [Double], _ zeros: [Int32],
    _ body: (_ start: Int, _ count: Int, _ scale: Double, _ zero: Int32) -> Void
  ) {
    arguments.workers.forEachRange(of: outer * along, grain: max(1, 16_384 / max(1, inner))) { range in
      for slice in range {
        let first = (slice / along * blocks + slice % along / block) * inner
        for column in 0..<inner { body(slice * inner + column, 1, scales[first + column], zeros[first + column]) }
      }
    }
  }
}
