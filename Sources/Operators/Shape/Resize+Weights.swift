import IR
import Kernels

extension Resize {
  /// How the positions of one axis of the output are mixed from those of the input.
  struct AxisWeights: Sendable {
    let axis: Int
    let size: Int
    /// For each position, indices and factors; none where it lies outside of the picture.
    let taps: [[(index: Int, factor: Double)]]
  }

  /// Of the axes that something happens along.
  func axisWeights(
    _ context: KernelContext, _ input: [Int], _ output: [Int]
  ) throws(KernelError) -> [AxisWeights] {
    guard input.count == output.count else { throw .invalid("it makes \(output.count) axes of \(input.count)") }
    let scales = try scales(context, input, output)
    let taps = AxisTaps(context)
    let crop = taps.transform == "tf_crop_and_resize" ? try crop(context, rank: input.count) : nil
    var axes: [AxisWeights] = []
    for axis in input.indices {
      let window = crop?[axis]
      guard scales[axis] != 1 || input[axis] != output[axis] || window ?? (0, 1) != (0, 1) else { continue }
      guard input[axis] > 0 || output[axis] == 0 else { throw .invalid("axis \(axis) has nothing to interpolate") }
      let line = AxisTaps.Line(size: input[axis], count: output[axis], scale: scales[axis], window: window)
      axes.append(AxisWeights(axis: axis, size: input[axis], taps: (0..<output[axis]).map { taps.at($0, line) }))
    }
    return axes
  }

  private func axes(_ node: Node, rank: Int) -> [Int] {
    node.ints("axes")?.map { $0 < 0 ? Int($0) + rank : Int($0) } ?? Array(0..<rank)
  }

  private func scales(_ context: KernelContext, _ input: [Int], _ output: [Int]) throws(KernelError) -> [Double] {
    let axes = axes(context.node, rank: input.count)
    let isOld = context.opset < 11 || context.node.opType == "Upsample"
    var given: [Double]?
    if case .floats(let floats) = context.node.attribute("scales") {
      given = floats.map { Double($0) }
    } else if context.has(3), let policy = context.node.string("keep_aspect_ratio_policy"), policy != "stretch" {
      // One scale for all of them, from which the sizes were rounded.
      let wanted = try context.ints(3) ?? []
      return Self.commonScale(policy, axes.map { input.indices.contains($0) ? input[$0] : 1 }, wanted).map { scale in
        input.indices.map { axes.contains($0) ? scale : 1 }
      } ?? zip(input, output).map { $0 == 0 ? 1 : Double($1) / Double($0) }
    } else {
      given = try context.doubles(isOld ? 1 : 2)
    }
    var scales = zip(input, output).map { $0 == 0 ? 1 : Double($1) / Double($0) }
    if let given, given.count == axes.count, !context.has(3) {
      for (position, axis) in axes.enumerated() where input.indices.contains(axis) { scales[axis] = given[position] }
    }
    return scales
  }

  /// The scale by which all axes stay within the sizes wanted, or reach them.
  static func commonScale(_ policy: String, _ sizes: [Int], _ wanted: [Int]) -> Double? {
    guard sizes.count == wanted.count, sizes.allSatisfy({ $0 > 0 }) else { return nil }
    let scales = zip(sizes, wanted).map { Double($1) / Double($0) }
    return policy == "not_larger" ? scales.min() : scales.max()
  }

  /// Which part of each axis is taken, as shares of its length.
  private func crop(_ context: KernelContext, rank: Int) throws(KernelError) -> [(Double, Double)] {
    let axes = axes(context.node, rank: rank)
    guard let region = try context.doubles(1), region.count == 2 * axes.count, region.allSatisfy(\.isFinite) else {
      throw .invalid("its region is not a start and an end for each axis")
    }
    var windows = [(Double, Double)](repeating: (0, 1), count: rank)
    for (position, axis) in axes.enumerated() where windows.indices.contains(axis) {
      windows[axis] = (region[position], region[axes.count + position])
    }
    return windows
  }
}

/// What the attributes of a `Resize` say about the elements a position of the output is mixed from.
struct AxisTaps {
  typealias Tap = (index: Int, factor: Double)

  /// One axis: elements before and after, and the part of it that is taken.
  struct Line {
    let size: Int
    let count: Int
    let scale: Double
    let window: (start: Double, end: Double)?
  }

  let transform: String
  private let mode: String
  private let rounding: String
  private let cubic: Double
  private let excludesOutside: Bool
  private let widens: Bool

  init(_ context: KernelContext) {
    let node = context.node
    let isOld = context.opset < 11 || node.opType == "Upsample"
    mode = node.string("mode") ?? "nearest"
    transform = isOld ? "asymmetric" : node.string("coordinate_transformation_mode") ?? "half_pixel"
    rounding = isOld ? "floor" : node.string("nearest_mode") ?? "round_prefer_floor"
    cubic = Double(node.float("cubic_coeff_a") ?? -0.75)
    excludesOutside = node.int("exclude_outside", default: 0) != 0
    widens = node.int("antialias", default: 0) != 0
  }

  func at(_ position: Int, _ line: Line) -> [Tap] {
    // Which element is nearest, and whether one is outside, is decided as ONNX does it: in floats.
    let jumps = mode == "nearest" || line.window != nil
    let x = jumps ? Double(coordinate(Float(position), line)) : coordinate(Double(position), line)
    guard x.isFinite, x.magnitude < 0x1p40 else { return [] }
    if line.window != nil, x < 0 || x > Double(line.size - 1) { return [] }
    let last = line.size - 1
    if mode == "nearest" { return [(min(max(nearest(x), 0), last), 1)] }
    var taps = mode == "cubic" ? filtered(x, line, reach: 2, keys) : filtered(x, line, reach: 1) { max(0, 1 - $0) }
    if excludesOutside {
      let inside = taps.filter { (0...last).contains($0.index) }
      let sum = inside.reduce(0) { $0 + $1.factor }
      if sum != 0 { taps = inside.map { ($0.index, $0.factor / sum) } }
    }
    return taps.map { (min(max($0.index, 0), last), $0.factor) }
  }

  /// Weights by the distance from `x`, up to `reach`; a filter against aliasing reaches as much further as the picture
  /// shrinks.
  private func filtered(_ x: Double, _ line: Line, reach: Double, _ weight: (Double) -> Double) -> [Tap] {
    // No filter reaches beyond all elements.
    let scale = widens ? min(1, max(line.scale, 1 / Double(line.size))) : 1
    let low = Int(x.rounded(.down))
    let start = Int((-reach / scale).rounded(.down)) + 1
    var taps = (start...(1 - start)).map { shift -> Tap in
      (low + shift, weight(abs(Double(low + shift) - x) * scale))
    }
    if widens {
      let sum = taps.reduce(0) { $0 + $1.factor }
      taps = taps.map { ($0.index, $0.factor / sum) }
    }
    return taps
  }

  /// Keys' cubic convolution.
  private func keys(_ distance: Double) -> Double {
    if distance <= 1 { return ((cubic + 2) * distance - (cubic + 3)) * distance * distance + 1 }
    if distance < 2 { return ((cubic * distance - 5 * cubic) * distance + 8 * cubic) * distance - 4 * cubic }
    return 0
  }

  private func coordinate<T: Real>(_ x: T, _ line: Line) -> T {
    let (size, count, scale) = (T(line.size), T(line.count), T(line.scale))
    switch transform {
    case "asymmetric": return x / scale
    case "align_corners": return count == 1 ? 0 : x * (size - 1) / (scale * size - 1)
    case "tf_half_pixel_for_nn": return (x + 0.5) / scale
    case "pytorch_half_pixel": return count == 1 ? 0 : (x + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let offset = size / 2 * (1 - count / (scale * size))
      return offset + (x + 0.5) / scale - 0.5
    case "tf_crop_and_resize":
      let (start, end) = line.window.map { (T($0.start), T($0.end)) } ?? (0, 1)
      guard count > 1 else { return (start + end) * (size - 1) / 2 }
      return start * (size - 1) + x * (end - start) * (size - 1) / (count - 1)
    default: return (x + 0.5) / scale - 0.5
    }
  }

  private func nearest(_ x: Double) -> Int {
    switch rounding {
    case "floor": Int(x.rounded(.down))
    case "ceil": Int(x.rounded(.up))
    case "round_prefer_ceil": Int((x + 0.5).rounded(.down))
    default: Int((x - 0.5).rounded(.up))
    }
  }
}
