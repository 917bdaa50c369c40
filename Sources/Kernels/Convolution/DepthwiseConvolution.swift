import COpenBLAS

/// Convolutions in which every channel has a filter of its own.
///
/// A channel's plane is copied into a frame of zeros and split by what remains of its positions divided by the strides,
/// its *phases*. What a kernel position reads for all outputs is then one run of a phase, so that the convolution is a
/// sum of shifted runs. Lines of the output are as far apart as those of a phase; what falls between them is thrown away.
/// The kernels and strides most networks have need no such copies: ``DepthwisePlanes``.
public struct DepthwiseConvolution: Sendable {
  public let geometry: ConvolutionGeometry
  /// Rows and columns of one phase of one image.
  let rows: Int
  let width: Int
  /// Images laid one below the other in one run.
  let images: Int
  /// Where each kernel position reads within its phase, and in which phase.
  let shifts: [Int]
  let phases: [Int]
  /// The short ways forward and towards the input, where there are such.
  private let planes: DepthwisePlanes?
  private let reversedPlanes: DepthwisePlanes?

  public init(_ geometry: ConvolutionGeometry) { self.init(geometry, isWide: COPPICE_WIDE_VECTORS == 1) }

  /// - Parameter isWide: whether to use registers of 512 bits, which also works without them.
  package init(_ geometry: ConvolutionGeometry, isWide: Bool) {
    self.geometry = geometry
    let strides = geometry.strides
    let dilations = geometry.dilations
    let kernel = geometry.kernel
    let (below, beside) = ((kernel.height - 1) * dilations.height, (kernel.width - 1) * dilations.width)
    rows = geometry.output.height + below / strides.height
    width = geometry.output.width + beside / strides.width
    images = max(1, min(geometry.batch, Self.runElements / max(1, rows * width * strides.count)))
    var shifts: [Int] = []
    var phases: [Int] = []
    for y in 0..<kernel.height {
      for x in 0..<kernel.width {
        let (down, right) = (y * dilations.height, x * dilations.width)
        shifts.append(down / strides.height * width + right / strides.width)
        phases.append(down % strides.height * strides.width + right % strides.width)
      }
    }
    self.shifts = shifts
    self.phases = phases
    planes = DepthwisePlanes(geometry, isWide: isWide)
    reversedPlanes = geometry.reversed.flatMap { DepthwisePlanes($0, isWide: isWide) }
  }

  /// What the first cache holds together with the sums.
  private static let runElements = 4096

  private var taps: Int { shifts.count }
  private var phaseCount: Int { geometry.strides.count }
  private var margin: Int { Scratch.rounded((shifts.max() ?? 0) + 1) }
  /// Elements of one run, and of the memory it takes: sums are computed in blocks that may read and write past its end.
  private var run: Int { images * rows * width }
  private var pitch: Int { Scratch.rounded(margin + run + ShiftedSums.block) }
  private var chunks: Int { (geometry.batch + images - 1) / images }
  private var laneCount: Int { pitch * (phaseCount + 1) }
  private var grain: Int { max(1, 200_000 / max(1, run * taps)) }

  public var scratchCount: Int {
    max(laneCount * Workers.lanes, planes?.scratchCount ?? 0, (reversedPlanes?.scratchCount ?? 0) + reversedCount)
  }

  private var reversedCount: Int { Scratch.rounded(geometry.outputChannels * taps) }

  // MARK: Forward

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ input: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>, scratch: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    if T.self == Float.self, let planes {
      planes(
        VectorLoops.floats(input), VectorLoops.floats(weight), VectorLoops.floats(output), epilogue.floats,
        scratch: VectorLoops.floats(scratch), workers)
      return
    }
    forEachChannel(scratch, workers) { channel, chunk, memory in
      let sums = memory + phaseCount * pitch
      split(input, channel, chunk, memory)
      sum(taps: 0..<taps, weight + channel * taps, sums) { UnsafePointer(memory + (phases[$0] * pitch + shifts[$0])) }
      write(sums, channel, chunk, to: output, epilogue)
    }
  }

  /// Takes the lines of the output out of the sums.
  @inline(__always)
  private func write<T: Real>(
    _ sums: UnsafeMutablePointer<T>, _ channel: Int, _ chunk: Range<Int>, to output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>
  ) {
    let size = geometry.output
    // What lies between the lines is finite and thrown away.
    let isWhole = epilogue.residual == nil
    if isWhole, !epilogue.isEmpty {
      epilogue.apply(sums, to: sums, count: chunk.count * rows * width, channel: channel, offset: 0)
    }
    for (index, image) in chunk.enumerated() {
      let first = (image * geometry.outputChannels + channel) * size.count
      let source = sums + index * rows * width
      if isWhole {
        Runs.copyLines(source, pitch: width, to: output + first, lines: size.height, count: size.width)
      } else {
        for y in 0..<size.height {
          let offset = first + y * size.width
          epilogue.apply(source + y * width, to: output + offset, count: size.width, channel: channel, offset: offset)
        }
      }
    }
  }

  // MARK: Gradients

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func inputGradient<T: Real>(
    _ gradient: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>, scratch: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    if T.self == Float.self, epilogue.isEmpty,
      directInputGradient(
        VectorLoops.floats(gradient), VectorLoops.floats(weight), VectorLoops.floats(output),
        VectorLoops.floats(scratch), workers)
    {
      return
    }
    let order = (0..<taps).sorted { (phases[$0], $0) < (phases[$1], $1) }
    forEachChannel(scratch, workers) { channel, chunk, memory in
      let lines = memory + phaseCount * pitch
      lay(gradient, channel, chunk, lines)
      let weights = weight + channel * taps
      withUnsafeTemporaryAllocation(of: T.self, capacity: taps) { sorted in
        guard let sorted = sorted.baseAddress else { return }
        for (index, tap) in order.enumerated() { sorted[index] = weights[tap] }
        var start = 0
        for phase in 0..<phaseCount {
          var end = start
          while end < taps, phases[order[end]] == phase { end += 1 }
          sum(taps: start..<end, sorted, memory + phase * pitch) {
            UnsafePointer(lines + (margin - shifts[order[$0]]))
          }
          start = end
        }
      }
      join(memory, channel, chunk, output, epilogue)
    }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func weightGradient<T: Real>(
    _ gradient: UnsafePointer<T>, _ input: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    scratch: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    if T.self == Float.self, let planes {
      planes.weightGradient(
        VectorLoops.floats(gradient), VectorLoops.floats(input), VectorLoops.floats(output),
        scratch: VectorLoops.floats(scratch), workers)
      return
    }
    let (grain, channels) = (max(1, grain / max(1, chunks)), geometry.outputChannels)
    workers.forEachTile((channels + grain - 1) / grain) { piece, lane in
      let memory = scratch + lane * laneCount
      memory.update(repeating: 0, count: laneCount)
      let lines = memory + phaseCount * pitch
      for channel in piece * grain..<min(channels, (piece + 1) * grain) {
        let target = output + channel * taps
        target.update(repeating: 0, count: taps)
        for start in Swift.stride(from: 0, to: geometry.batch, by: images) {
          let chunk = start..<min(geometry.batch, start + images)
          split(input, channel, chunk, memory)
          lay(gradient, channel, chunk, lines)
          let count = chunk.count * rows * width
          // The last vector may reach into what an image of a longer chunk has left.
          (lines + (margin + count)).update(repeating: 0, count: 16)
          var tap = 0
          while tap < taps {
            let some = min(3, taps - tap)
            ShiftedSums.addProducts(lines + margin, count: count, taps: some, to: target + tap) {
              UnsafePointer(memory + (phases[tap + $0] * pitch + shifts[tap + $0]))
            }
            tap += some
          }
        }
      }
    }
  }

  /// - Returns: whether there is a short way.
  private func directInputGradient(
    _ gradient: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>, _ workers: Workers
  ) -> Bool {
    if let reversedPlanes {
      for channel in 0..<geometry.outputChannels {
        for tap in 0..<taps { scratch[channel * taps + tap] = weight[channel * taps + taps - 1 - tap] }
      }
      reversedPlanes(
        gradient, scratch, output, ConvolutionEpilogue(), scratch: scratch + reversedCount, workers)
      return true
    }
    guard let planes, geometry.strides.width == 2 else { return false }
    planes.inputGradient(gradient, weight, output, scratch: scratch, workers)
    return true
  }

  // MARK: Parts

  /// Calls `body` for every channel and run of images with scratch memory that holds zeros before the lane's first call
  /// and then what the call before left.
  @inline(__always)
  private func forEachChannel<T: Real>(
    _ scratch: UnsafeMutablePointer<T>, _ workers: Workers,
    _ body: (_ channel: Int, _ images: Range<Int>, _ memory: UnsafeMutablePointer<T>) -> Void
  ) {
    let units = geometry.outputChannels * chunks
    workers.forEachTile((units + grain - 1) / grain) { piece, lane in
      let memory = scratch + lane * laneCount
      memory.update(repeating: 0, count: laneCount)
      for unit in piece * grain..<min(units, (piece + 1) * grain) {
        let (channel, chunk) = unit.quotientAndRemainder(dividingBy: chunks)
        body(channel, chunk * images..<min(geometry.batch, (chunk + 1) * images), memory)
      }
    }
  }

  @inline(__always)
  private func sum<T: Real>(
    taps: Range<Int>, _ weights: UnsafePointer<T>, _ sums: UnsafeMutablePointer<T>,
    _ source: (Int) -> UnsafePointer<T>
  ) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<T>.self, capacity: max(1, taps.count)) { sources in
      guard let sources = sources.baseAddress else { return }
      for (index, tap) in taps.enumerated() { sources[index] = source(tap) }
      ShiftedSums.sum(sources, weights + taps.lowerBound, taps: taps.count, sums, count: run)
    }
  }

  /// Where along an axis of the input a phase's first position is, and which of the phase's positions are inside.
  @inline(__always)
  private func inside(_ phase: Int, size: Int, count: Int, stride: Int, padding: Int) -> (first: Int, range: Range<Int>)
  {
    (phase - padding, ConvolutionGeometry.valid(size: size, output: count, stride: stride, offset: phase - padding))
  }

  /// Copies a channel of some images into the phases; their frames stay zero.
  @inline(__always)
  private func split<T: Real>(
    _ input: UnsafePointer<T>, _ channel: Int, _ chunk: Range<Int>, _ memory: UnsafeMutablePointer<T>
  ) {
    let end = geometry.inputCount
    forEachLine(channel, chunk) { source, target, count, stride in
      Runs.place(input + source, stride: stride, readable: end - source, to: memory + target, count: count)
    }
  }

  /// Collects the input's gradient from the phases.
  @inline(__always)
  private func join<T: Real>(
    _ memory: UnsafeMutablePointer<T>, _ channel: Int, _ chunk: Range<Int>, _ output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>
  ) {
    let plane = geometry.input.count
    if phaseCount > 1 || geometry.padding.height < 0 || geometry.padding.width < 0 || !epilogue.isEmpty
      || rows < geometry.input.height + geometry.padding.height || width < geometry.input.width + geometry.padding.width
    {
      // Positions no window covers.
      for image in chunk {
        (output + (image * geometry.inputChannels + channel) * plane).update(repeating: 0, count: plane)
      }
    }
    if geometry.strides.width == 2 {
      joinPairs(memory, channel, chunk, output)
    } else {
      forEachLine(channel, chunk) { target, source, count, stride in
        for index in 0..<count { output[target + index * stride] = memory[source + index] }
      }
    }
    guard !epilogue.isEmpty else { return }
    for image in chunk {
      let offset = (image * geometry.inputChannels + channel) * plane
      epilogue.apply(output + offset, to: output + offset, count: plane, channel: channel, offset: offset)
    }
  }

  /// Collects lines of the input's gradient whose elements lie in two phases in turn.
  @inline(__always)
  private func joinPairs<T: Real>(
    _ memory: UnsafeMutablePointer<T>, _ channel: Int, _ chunk: Range<Int>, _ output: UnsafeMutablePointer<T>
  ) {
    let (strides, size, padding) = (geometry.strides, geometry.input, geometry.padding)
    // Position c of the input is position (c + padding) / 2 of phase (c + padding) % 2.
    let start = max(0, -padding.width)
    let end = min(size.width, 2 * width - padding.width)
    guard start < end else { return }
    for phaseY in 0..<strides.height {
      let vertical = inside(
        phaseY, size: size.height, count: rows, stride: strides.height, padding: padding.height)
      let even = memory + phaseY * 2 * pitch
      for (index, image) in chunk.enumerated() {
        let plane = output + (image * geometry.inputChannels + channel) * size.count
        for row in vertical.range {
          Runs.interleave(
            even + (index * rows + row) * width, even + (pitch + (index * rows + row) * width),
            from: start + padding.width, to: plane + (row * strides.height + vertical.first) * size.width + start,
            count: end - start)
        }
      }
    }
  }

  /// Calls `body` with every run of positions that a line of a phase and the input share: where it is in the input and
  /// in the phases, its length, and the distance of its elements in the input.
  @inline(__always)
  private func forEachLine(
    _ channel: Int, _ chunk: Range<Int>, _ body: (_ input: Int, _ phases: Int, _ count: Int, _ stride: Int) -> Void
  ) {
    let (strides, size, padding) = (geometry.strides, geometry.input, geometry.padding)
    for phaseY in 0..<strides.height {
      let vertical = inside(
        phaseY, size: size.height, count: rows, stride: strides.height, padding: padding.height)
      for phaseX in 0..<strides.width {
        let across = inside(phaseX, size: size.width, count: width, stride: strides.width, padding: padding.width)
        guard !across.range.isEmpty else { continue }
        let column = across.range.lowerBound * strides.width + across.first
        let phase = (phaseY * strides.width + phaseX) * pitch + across.range.lowerBound
        for (index, image) in chunk.enumerated() {
          let plane = (image * geometry.inputChannels + channel) * size.count + column
          for row in vertical.range {
            body(
              plane + (row * strides.height + vertical.first) * size.width, phase + (index * rows + row) * width,
              across.range.count, strides.width)
          }
        }
      }
    }
  }

  /// Copies a channel of the output's gradient into lines as far apart as those of the phases, behind a margin of zeros.
  @inline(__always)
  private func lay<T: Real>(
    _ gradient: UnsafePointer<T>, _ channel: Int, _ chunk: Range<Int>, _ lines: UnsafeMutablePointer<T>
  ) {
    for (index, image) in chunk.enumerated() {
      let plane = gradient + (image * geometry.outputChannels + channel) * geometry.output.count
      let end = geometry.outputCount - (image * geometry.outputChannels + channel) * geometry.output.count
      for y in 0..<geometry.output.height {
        let offset = y * geometry.output.width
        Runs.place(
          plane + offset, stride: 1, readable: end - offset, to: lines + (margin + (index * rows + y) * width),
          count: geometry.output.width)
      }
    }
  }
}
