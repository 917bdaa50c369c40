import IR
import Kernels

extension Resize {
  /// How the positions of one axis of the output are mixed from those of the input.
  struct AxisWeights: Sendable {
    let axis: Int
    let size: Int
    /// For each position, indices and factors.
    let taps: [[(index: Int, factor: Double)]]
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard context.node.int("antialias", default: 0) == 0 else { throw .unsupported("Resize with antialiasing") }
    let mode = context.node.string("mode") ?? "nearest"
    let axes = try axisWeights(context, input.shape, output.shape)
    if axes.isEmpty { return .view }
    if mode == "nearest" {
      var sources = output.shape.map { Array(0..<$0) }
      for weights in axes { sources[weights.axis] = weights.taps.map { $0[0].index } }
      let copy = IndexedCopy(sources: sources, shape: input.shape)
      let width = try Moving.width(input)
      return Kernel { arguments throws(KernelError) in
        withUnsafeBytes(of: UInt64(0)) { zero in
          copy(arguments.rawInput(0), arguments.rawOutput(0), constant: zero, width: width, arguments.workers)
        }
      }
    }
    switch input.type {
    case .float: return interpolate(Float.self, axes, input.shape)
    case .double: return interpolate(Double.self, axes, input.shape)
    default: throw .unsupported("Resize by \(mode) of type \(input.type)")
    }
  }

  /// Of the axes that something happens along.
  func axisWeights(
    _ context: KernelContext, _ input: [Int], _ output: [Int]
  ) throws(KernelError) -> [AxisWeights] {
    let mode = context.node.string("mode") ?? "nearest"
    let scales = try scales(context, input, output)
    var axes: [AxisWeights] = []
    for axis in input.indices where scales[axis] != 1 || input[axis] != output[axis] {
      axes.append(try weights(context, mode, axis, input[axis], output[axis], scales[axis]))
    }
    return axes
  }

  private func scales(_ context: KernelContext, _ input: [Int], _ output: [Int]) throws(KernelError) -> [Double] {
    let axes = context.node.ints("axes")?.map { $0 < 0 ? Int($0) + input.count : Int($0) } ?? Array(input.indices)
    let isOld = context.opset < 11 || context.node.opType == "Upsample"
    var given: [Double]?
    if case .floats(let floats) = context.node.attribute("scales") {
      given = floats.map { Double($0) }
    } else {
      given = try context.doubles(isOld ? 1 : 2)
    }
    var scales = zip(input, output).map { $0 == 0 ? 1 : Double($1) / Double($0) }
    if let given, given.count == axes.count, !context.has(3) {
      for (position, axis) in axes.enumerated() where input.indices.contains(axis) { scales[axis] = given[position] }
    }
    return scales
  }

  private func weights(
    _ context: KernelContext, _ mode: String, _ axis: Int, _ size: Int, _ count: Int, _ scale: Double
  ) throws(KernelError) -> AxisWeights {
    let isOld = context.opset < 11 || context.node.opType == "Upsample"
    let transform =
      isOld ? "asymmetric" : context.node.string("coordinate_transformation_mode") ?? "half_pixel"
    guard transform != "tf_crop_and_resize" else { throw .unsupported("Resize with tf_crop_and_resize") }
    let rounding = isOld ? "floor" : context.node.string("nearest_mode") ?? "round_prefer_floor"
    let cubic = Double(context.node.float("cubic_coeff_a") ?? -0.75)
    let excludes = context.node.int("exclude_outside", default: 0) != 0
    let taps = (0..<count).map { position -> [(index: Int, factor: Double)] in
      let x = Self.coordinate(transform, Double(position), size, count, scale)
      switch mode {
      case "nearest": return [(min(max(Self.nearest(rounding, x), 0), size - 1), 1)]
      case "cubic": return Self.cubic(x, size, cubic, excludes)
      default:
        let low = x.rounded(.down)
        let fraction = x - low
        return [
          (min(max(Int(low), 0), size - 1), 1 - fraction), (min(max(Int(low) + 1, 0), size - 1), fraction),
        ]
      }
    }
    return AxisWeights(axis: axis, size: size, taps: taps)
  }

  private static func coordinate(_ mode: String, _ x: Double, _ size: Int, _ count: Int, _ scale: Double) -> Double {
    switch mode {
    case "asymmetric": return x / scale
    case "align_corners": return count == 1 ? 0 : x * Double(size - 1) / (scale * Double(size) - 1)
    case "tf_half_pixel_for_nn": return (x + 0.5) / scale
    case "pytorch_half_pixel": return count == 1 ? 0 : (x + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let center = Double(size) / 2
      let offset = center * (1 - Double(count) / (scale * Double(size)))
      return offset + (x + 0.5) / scale - 0.5
    default: return (x + 0.5) / scale - 0.5
    }
  }

  private static func nearest(_ mode: String, _ x: Double) -> Int {
    switch mode {
    case "floor": Int(x.rounded(.down))
    case "ceil": Int(x.rounded(.up))
    case "round_prefer_ceil": Int((x + 0.5).rounded(.down))
    default: Int((x - 0.5).rounded(.up))
    }
  }

  /// Keys' cubic convolution.
  private static func cubic(
    _ x: Double, _ size: Int, _ a: Double, _ excludes: Bool
  ) -> [(index: Int, factor: Double)] {
    let low = x.rounded(.down)
    var taps = (-1...2).map { shift -> (index: Int, factor: Double) in
      let distance = abs(x - low - Double(shift))
      let factor =
        distance <= 1
        ? ((a + 2) * distance - (a + 3)) * distance * distance + 1
        : ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
      return (Int(low) + shift, factor)
    }
    if excludes {
      taps = taps.map { (0..<size).contains($0.index) ? $0 : ($0.index, 0) }
      let sum = taps.reduce(0) { $0 + $1.factor }
      taps = taps.map { ($0.index, $0.factor / sum) }
    }
    return taps.map { (min(max($0.index, 0), size - 1), $0.factor) }
  }

  /// One axis after the other, through scratch memory.
  private func interpolate<T: Real>(_: T.Type, _ axes: [AxisWeights], _ shape: [Int]) -> Kernel {
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
            Self.mix(from + row * weights.size * inner, target + row * weights.taps.count * inner, weights, inner)
          }
        }
        shape[weights.axis] = weights.taps.count
        source = UnsafePointer(target)
      }
    }
  }

  private static func mix<T: Real>(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ weights: AxisWeights, _ inner: Int
  ) {
    for (position, taps) in weights.taps.enumerated() {
      let line = target + position * inner
      for index in 0..<inner {
        var sum: T = 0
        for tap in taps { sum += source[tap.index * inner + index] * T(tap.factor) }
        line[index] = sum
      }
    }
  }
}
