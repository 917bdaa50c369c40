import IR
import Kernels

extension Resize {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let mode = context.node.string("mode") ?? "nearest"
    let axes = try axisWeights(context, input.shape, output.shape)
    if axes.isEmpty { return .view }
    if mode == "nearest" {
      var sources = output.shape.map { Array(0..<$0) }
      for weights in axes { sources[weights.axis] = weights.taps.map { $0.first?.index ?? -1 } }
      let copy = IndexedCopy(sources: sources, shape: input.shape)
      let (width, outside) = (try Moving.width(input), outside(context.node, input.type))
      return Kernel { arguments throws(KernelError) in
        withUnsafeBytes(of: outside) { outside in
          copy(arguments.rawInput(0), arguments.rawOutput(0), constant: outside, width: width, arguments.workers)
        }
      }
    }
    let outside = context.node.float("extrapolation_value") ?? 0
    switch input.type {
    case .float: return interpolate(Float.self, axes, input.shape, outside: outside)
    case .double: return interpolate(Double.self, axes, input.shape, outside: Double(outside))
    default: throw .unsupported("Resize by \(mode) of type \(input.type)")
    }
  }

  /// The bits of what lies outside of the picture.
  private func outside(_ node: Node, _ type: DataType) -> UInt64 {
    let value = node.float("extrapolation_value") ?? 0
    return switch type {
    case .float: UInt64(value.bitPattern)
    case .double: Double(value).bitPattern
    default: UInt64(bitPattern: Int64(exactly: value.rounded(.towardZero)) ?? 0)
    }
  }

  /// One axis after the other, through scratch memory.
  private func interpolate<T: Real>(
    _: T.Type, _ axes: [AxisWeights], _ shape: [Int], outside: T
  ) -> Kernel {
    var largest = shape.reduce(1, *)
    var current = shape
    for weights in axes {
      current[weights.axis] = weights.taps.count
      largest = max(largest, current.reduce(1, *))
    }
    return Kernel(scratchBytes: 2 * largest * MemoryLayout<T>.stride) { [largest] arguments throws(KernelError) in
      let halves = arguments.scratch.assumingMemoryBound(to: T.self)
      var source = arguments.input(0, as: T.self)
      var shape = shape
      for (step, weights) in axes.enumerated() {
        let target = step == axes.count - 1 ? arguments.output(0, as: T.self) : halves + (step % 2) * largest
        let outer = shape[..<weights.axis].reduce(1, *)
        let inner = shape[(weights.axis + 1)...].reduce(1, *)
        let from = source
        arguments.workers.forEachRange(of: outer, grain: max(1, 16384 / max(1, inner * weights.taps.count))) { range in
          for row in range {
            Self.mix(
              from + row * weights.size * inner, target + row * weights.taps.count * inner, weights, inner,
              outside: outside)
          }
        }
        shape[weights.axis] = weights.taps.count
        source = UnsafePointer(target)
      }
    }
  }

  private static func mix<T: Real>(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ weights: AxisWeights, _ inner: Int,
    outside: T
  ) {
    for (position, taps) in weights.taps.enumerated() {
      let line = target + position * inner
      if taps.isEmpty {
        line.update(repeating: outside, count: inner)
        continue
      }
      for index in 0..<inner {
        var sum: T = 0
        for tap in taps { sum += source[tap.index * inner + index] * T(tap.factor) }
        line[index] = sum
      }
    }
  }
}
