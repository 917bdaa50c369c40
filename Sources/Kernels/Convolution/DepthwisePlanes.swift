/// Convolutions with a filter of 3 × 3 or 5 × 5 for each channel and strides of one or two, straight from one plane to
/// the other, a register of outputs at a time.
///
/// Vectors are read where they lie, also across the ends of lines; lanes that belong to no position of the line are
/// masked. Lines outside the plane are read from a line of zeros, and planes at the ends of a tensor from a copy with
/// room around it. What a vector writes beyond its line is overwritten by what is written later: lines in rising order,
/// of lines that are computed together the last columns first.
struct DepthwisePlanes: Sendable {
  let geometry: ConvolutionGeometry
  let kernel: Int
  let stride: Int
  /// Lanes of the vectors: eight, or sixteen where a register has as many and lines are longer than eight.
  let width: Int
  /// For each vector of columns of the output and each column of the kernel: which of them read inside the line.
  private let masks: [Int32]
  /// For each vector of pairs of columns of the input and each column of the kernel: which of them a column of the
  /// output has read.
  private let pairMasks: [Int32]
  /// Which of the last columns of the output there are.
  private let lastColumns: [Int32]

  /// Elements before and behind a plane that may be read: forward at most 36, two for each of sixteen lanes and a
  /// kernel's reach; towards the input fewer, as the kernel reads all but a stride of the input.
  private static let margin = 48

  /// - Returns: `nil` for other kernels, strides, dilations and paddings.
  init?(_ geometry: ConvolutionGeometry, isWide: Bool) {
    let (size, output, padding) = (geometry.input, geometry.output, geometry.padding)
    kernel = geometry.kernel.width
    stride = geometry.strides.width
    guard geometry.isDepthwise, kernel == 3 || kernel == 5, geometry.kernel.height == kernel,
      stride == 1 || stride == 2, geometry.strides.height == stride, geometry.dilations.count == 1
    else { return nil }
    let ends = ((output.width - 1) * stride + kernel - size.width) - padding.width
    guard (0..<kernel).contains(padding.width), ends < kernel, ends > -stride, !output.isEmpty, !size.isEmpty else {
      return nil
    }
    self.geometry = geometry
    width = isWide && output.width > 8 ? 16 : 8
    let (stride, kernel, width) = (stride, kernel, width)
    masks = Self.table(columns: output.width, width, kernel) { column, tap in
      (0..<size.width).contains(column * stride + tap - padding.width)
    }
    pairMasks = Self.table(columns: (size.width + 1) / 2, width, kernel) { pair, tap in
      (0..<output.width).contains(pair + Self.shift(tap, padding: padding.width))
    }
    let last = (output.width - 1) / width * width
    lastColumns = (0..<width).map { last + $0 < output.width ? -1 : 0 }
  }

  /// How far right of a pair of input columns the output column lies that has read one of them by a kernel's column.
  private static func shift(_ tap: Int, padding: Int) -> Int {
    let parity = (padding + tap) % 2
    return (parity + padding - tap) / 2
  }

  private static func table(
    columns: Int, _ width: Int, _ kernel: Int, _ holds: (_ column: Int, _ tap: Int) -> Bool
  ) -> [Int32] {
    (0..<(columns + width - 1) / width * kernel * width).map { index in
      let (strip, lane) = (index / (width * kernel), index % width)
      return holds(strip * width + lane, index / width % kernel) ? -1 : 0
    }
  }

  private var room: Int { Scratch.rounded(max(geometry.input.count, geometry.output.count)) + 2 * Self.margin }
  private var zeros: Int { max(geometry.input.width, geometry.output.width) + 2 * Self.margin }
  private var laneCount: Int { Scratch.rounded(2 * room + zeros) }

  var scratchCount: Int { laneCount * Workers.lanes }

  /// Planes a thread should take at once.
  private var grain: Int { max(1, 40_000 / max(1, geometry.output.count * kernel * kernel)) }

  // MARK: Forward and towards the input

  func callAsFunction(
    _ input: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ epilogue: ConvolutionEpilogue<Float>, scratch: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    var (low, high) = (-Float.infinity, Float.infinity)
    var isClipped = false
    if case .clip(let least, let most) = epilogue.activation, epilogue.residual == nil {
      (low, high, isClipped) = (Float(least), Float(most), true)
    }
    forEachPlane(from: geometry.input, to: geometry.output, input, output, scratch, workers) {
      lane, channel, from, to in
      let sums = Lane.Sums(
        plane: from, weights: weight + channel * kernel * kernel, start: epilogue.bias.map { $0[channel] } ?? 0,
        target: to, low: low, high: high)
      switch (width, kernel, stride) {
      case (16, 3, 1): lane.slide(SIMD16<Float>.self, Three.self, sums)
      case (16, 3, _): lane.slide(SIMD16<Float>.self, ThreeByTwos.self, sums)
      case (16, _, 1): lane.slide(SIMD16<Float>.self, Five.self, sums)
      case (16, _, _): lane.slide(SIMD16<Float>.self, FiveByTwos.self, sums)
      case (_, 3, 1): lane.slide(SIMD8<Float>.self, Three.self, sums)
      case (_, 3, _): lane.slide(SIMD8<Float>.self, ThreeByTwos.self, sums)
      case (_, _, 1): lane.slide(SIMD8<Float>.self, Five.self, sums)
      default: lane.slide(SIMD8<Float>.self, FiveByTwos.self, sums)
      }
      if !isClipped { finish(to, output, epilogue) }
    }
  }

  /// The gradient towards the input, of convolutions with strides of two: without strides it is a convolution itself.
  func inputGradient(
    _ gradient: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    forEachPlane(from: geometry.output, to: geometry.input, gradient, output, scratch, workers) {
      lane, channel, from, to in
      let weights = weight + channel * kernel * kernel
      switch (width, kernel) {
      case (16, 3): lane.spread(SIMD16<Float>.self, ThreeByTwos.self, from, weights, to)
      case (16, _): lane.spread(SIMD16<Float>.self, FiveByTwos.self, from, weights, to)
      case (_, 3): lane.spread(SIMD8<Float>.self, ThreeByTwos.self, from, weights, to)
      default: lane.spread(SIMD8<Float>.self, FiveByTwos.self, from, weights, to)
      }
    }
  }

  /// Residual and activation of a plane; the bias is in it.
  @inline(__always)
  private func finish(
    _ plane: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ epilogue: ConvolutionEpilogue<Float>
  ) {
    guard epilogue.residual != nil || epilogue.activation != .none else { return }
    epilogue.activation.applyFloats(
      plane, to: plane, count: geometry.output.count, shift: 0,
      residual: epilogue.residual.map { $0 + (plane - output) })
  }

  @inline(__always)
  private func forEachPlane(
    from source: ConvolutionGeometry.Extent, to target: ConvolutionGeometry.Extent, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ workers: Workers,
    _ body: (Lane, _ channel: Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let planes = geometry.batch * geometry.outputChannels
    workers.forEachTile((planes + grain - 1) / grain) { piece, index in
      withLane(scratch, index) { lane in
        for plane in piece * grain..<min(planes, (piece + 1) * grain) {
          body(
            lane, plane % geometry.outputChannels,
            lane.readable(input, plane, of: planes, source.count, in: lane.memory), output + plane * target.count)
        }
      }
    }
  }

  // MARK: Towards the weight

  func weightGradient(
    _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let (channels, taps) = (geometry.outputChannels, kernel * kernel)
    let planes = geometry.batch * channels
    let grain = max(1, min((channels + 3) / 4, grain / geometry.batch + 7))
    workers.forEachTile((channels + grain - 1) / grain) { piece, index in
      let range = piece * grain..<min(channels, (piece + 1) * grain)
      (output + range.lowerBound * taps).update(repeating: 0, count: range.count * taps)
      withLane(scratch, index) { lane in
        // Images outside, so that planes are read in the order they lie.
        for image in 0..<geometry.batch {
          for channel in range {
            let plane = image * channels + channel
            let from = lane.readable(input, plane, of: planes, geometry.input.count, in: lane.memory)
            let by = lane.readable(gradient, plane, of: planes, geometry.output.count, in: lane.memory + room)
            let sums = output + channel * taps
            switch (width, kernel, stride) {
            case (16, 3, 1): lane.correlate(SIMD16<Float>.self, Three.self, from, by, sums)
            case (16, 3, _): lane.correlate(SIMD16<Float>.self, ThreeByTwos.self, from, by, sums)
            case (16, _, 1): lane.correlate(SIMD16<Float>.self, Five.self, from, by, sums)
            case (16, _, _): lane.correlate(SIMD16<Float>.self, FiveByTwos.self, from, by, sums)
            case (_, 3, 1): lane.correlate(SIMD8<Float>.self, Three.self, from, by, sums)
            case (_, 3, _): lane.correlate(SIMD8<Float>.self, ThreeByTwos.self, from, by, sums)
            case (_, _, 1): lane.correlate(SIMD8<Float>.self, Five.self, from, by, sums)
            default: lane.correlate(SIMD8<Float>.self, FiveByTwos.self, from, by, sums)
            }
          }
        }
      }
    }
  }

  // MARK: A thread's part

  @inline(__always)
  private func withLane(_ scratch: UnsafeMutablePointer<Float>, _ index: Int, _ body: (Lane) -> Void) {
    let memory = scratch + index * laneCount
    let line = memory + 2 * room
    line.update(repeating: 0, count: zeros)
    masks.withUnsafeBufferPointer { masks in
      pairMasks.withUnsafeBufferPointer { pairMasks in
        lastColumns.withUnsafeBufferPointer { lastColumns in
          guard let masks = masks.baseAddress, let pairMasks = pairMasks.baseAddress,
            let lastColumns = lastColumns.baseAddress
          else { return }
          body(
            Lane(
              input: geometry.input, output: geometry.output, padding: geometry.padding, masks: masks,
              pairMasks: pairMasks, lastColumns: lastColumns, memory: memory, zeros: line + Self.margin))
        }
      }
    }
  }

  /// What one thread needs.
  struct Lane {
    let input: ConvolutionGeometry.Extent
    let output: ConvolutionGeometry.Extent
    let padding: ConvolutionGeometry.Extent
    let masks: UnsafePointer<Int32>
    let pairMasks: UnsafePointer<Int32>
    let lastColumns: UnsafePointer<Int32>
    let memory: UnsafeMutablePointer<Float>
    let zeros: UnsafePointer<Float>

    /// A plane of a tensor, or a copy of it where what lies around it is not all of the tensor.
    @inline(__always)
    func readable(
      _ tensor: UnsafePointer<Float>, _ plane: Int, of planes: Int, _ count: Int, in copy: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
      let start = plane * count
      if start >= DepthwisePlanes.margin, (planes - plane - 1) * count >= DepthwisePlanes.margin {
        return tensor + start
      }
      let target = copy + DepthwisePlanes.margin
      target.update(from: tensor + start, count: count)
      return UnsafePointer(target)
    }

    @inline(__always)
    func line(_ plane: UnsafePointer<Float>, _ y: Int, _ size: ConvolutionGeometry.Extent) -> UnsafePointer<Float> {
      y >= 0 && y < size.height ? plane + y &* size.width : zeros
    }

    /// Writes lanes as far as the plane goes.
    @inline(__always)
    static func store<V: PlaneVector>(
      _ vector: V, _ plane: UnsafeMutablePointer<Float>, _ offset: Int, of count: Int
    ) {
      if offset &+ V.width <= count {
        vector.store(plane + offset)
      } else {
        for lane in 0..<max(0, min(V.width, count - offset)) { plane[offset + lane] = vector[lane] }
      }
    }
  }
}

extension ConvolutionGeometry.Extent {
  fileprivate var isEmpty: Bool { depth <= 0 || height <= 0 || width <= 0 }
}
