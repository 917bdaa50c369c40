/// The tiles of 4 × 4 outputs over all images, cut into blocks of whole lines of tiles.
struct WinogradGrid: Sendable {
  /// Tiles along each axis of an image.
  let down: Int
  let across: Int
  /// Lines of tiles in all images, and in a block.
  let total: Int
  let block: Int
  /// Elements between rows of matrices over a block's tiles.
  let leading: Int
  let laneCount: Int

  /// Elements of transformed tiles in a block: what the last cache holds.
  private static let blockElements = 1 << 21

  init(_ geometry: ConvolutionGeometry) {
    down = (geometry.output.height + 3) / 4
    across = (geometry.output.width + 3) / 4
    total = geometry.batch * down
    let channels = geometry.inputChannels + geometry.outputChannels
    let columns = max(64, Self.blockElements / (36 * channels))
    let most = max(1, min(total, columns / across))
    let blocks = (total + most - 1) / most
    block = (total + blocks - 1) / blocks
    leading = Self.leading(block * across)
    // The elements of one channel's tiles, then a vector for each element and lines of pixels, read beyond their ends.
    laneCount = Scratch.rounded(36 * leading + max(36 * 8, 6 * Self.lineWidth(across)) + 72)
  }

  /// Room for rows of `columns` elements and a vector more. Rows an odd number of cache lines apart do not meet in the
  /// same set of a cache, as those would that lie a power of two apart.
  private static func leading(_ columns: Int) -> Int {
    let rounded = Scratch.rounded(columns + 8)
    return rounded / 16 % 2 == 0 ? rounded + 16 : rounded
  }

  /// Whether the tiles pay: the weight is transformed every time, so there must be enough of them.
  static func suits(_ geometry: ConvolutionGeometry) -> Bool {
    geometry.groups == 1 && geometry.kernel == ConvolutionGeometry.Extent([3, 3]) && geometry.strides.count == 1
      && geometry.dilations.count == 1 && geometry.input.depth == 1 && geometry.output.depth == 1
      && geometry.padding.depth == 0 && min(geometry.inputChannels, geometry.outputChannels) >= 16
      && geometry.output.height >= 3 && geometry.output.width >= 3
      && geometry.batch * geometry.output.count >= 512
  }

  private static func lineWidth(_ across: Int) -> Int { 4 * across + 8 }

  var blocks: Int { (total + block - 1) / block }

  func lines(_ index: Int) -> Range<Int> { index * block..<min(total, (index + 1) * block) }

  /// Transforms tiles of 6 × 6 inputs: element by element, a row for each channel.
  func transformData(
    _ input: UnsafePointer<Float>, channels: Int, size: ConvolutionGeometry.Extent,
    padding: ConvolutionGeometry.Extent, _ lines: Range<Int>, to data: UnsafeMutablePointer<Float>,
    _ lanes: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    transform(Winograd.Data.self, input, channels, size, padding, lines, data, lanes, workers)
  }

  /// Transforms tiles of 4 × 4 elements of the output's gradient in the same way.
  func transformGradient(
    _ gradient: UnsafePointer<Float>, channels: Int, size: ConvolutionGeometry.Extent, _ lines: Range<Int>,
    to data: UnsafeMutablePointer<Float>, _ lanes: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    transform(
      Winograd.OutputGradient.self, gradient, channels, size, ConvolutionGeometry.Extent([], filler: 0), lines, data,
      lanes, workers)
  }

  @inline(__always)
  private func transform<Step: WinogradStep>(
    _: Step.Type, _ input: UnsafePointer<Float>, _ channels: Int, _ size: ConvolutionGeometry.Extent,
    _ padding: ConvolutionGeometry.Extent, _ lines: Range<Int>, _ data: UnsafeMutablePointer<Float>,
    _ lanes: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let columns = lines.count * across
    let grain = max(1, 4096 / max(1, columns))
    workers.forEachTile((channels + grain - 1) / grain) { piece, lane in
      let tiles = lanes + lane * laneCount
      let memory = tiles + 36 * leading
      for channel in piece * grain..<min(channels, (piece + 1) * grain) {
        for (index, line) in lines.enumerated() {
          let (image, row) = line.quotientAndRemainder(dividingBy: down)
          gather(
            Step.self, input + (image * channels + channel) * size.count, size, padding, row,
            to: tiles + index * across,
            memory)
        }
        for column in stride(from: 0, to: columns, by: 8) {
          Step.applyTwice(
            tiles + column, leading, data + (channel * leading + column), channels * leading, memory)
        }
      }
    }
  }

  /// Copies the tiles of one line, an element of all of them after the other.
  @inline(__always)
  private func gather<Step: WinogradStep>(
    _: Step.Type, _ plane: UnsafePointer<Float>, _ size: ConvolutionGeometry.Extent,
    _ padding: ConvolutionGeometry.Extent, _ row: Int, to tiles: UnsafeMutablePointer<Float>,
    _ memory: UnsafeMutablePointer<Float>
  ) {
    let width = Self.lineWidth(across)
    let (skipped, cut) = (min(width, max(0, padding.width)), max(0, -padding.width))
    let count = max(0, min(size.width - cut, width - skipped))
    for index in 0..<Step.sources {
      let y = 4 * row + index - padding.height
      let line = memory + index * width
      guard y >= 0, y < size.height else {
        Runs.zero(line, count: width)
        continue
      }
      Runs.zero(line, count: skipped)
      Runs.copy(plane + (y * size.width + cut), to: line + skipped, count: count)
      Runs.zero(line + (skipped + count), count: width - skipped - count)
    }
    // Eight tiles at a time; what is too much, the next line overwrites.
    for y in 0..<Step.sources {
      for tile in stride(from: 0, to: across, by: 8) {
        let source = memory + (y * width + 4 * tile)
        let target = tiles + (y * Step.sources * leading + tile)
        let columns = Self.columns(source)
        Runs.store(columns.0, target)
        Runs.store(columns.1, target + leading)
        Runs.store(columns.2, target + 2 * leading)
        Runs.store(columns.3, target + 3 * leading)
        guard Step.sources == 6 else { continue }
        let next = Self.columns(source + 4)
        Runs.store(next.0, target + 4 * leading)
        Runs.store(next.1, target + 5 * leading)
      }
    }
  }

  /// The columns of eight rows of four elements.
  @inline(__always)
  private static func columns(
    _ source: UnsafePointer<Float>
  ) -> (SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>) {
    let (first, second) = (Runs.load(source, SIMD16<Float>.self), Runs.load(source + 16, SIMD16<Float>.self))
    let even = SIMD16(lowHalf: first.evenHalf, highHalf: second.evenHalf)
    let odd = SIMD16(lowHalf: first.oddHalf, highHalf: second.oddHalf)
    return (even.evenHalf, odd.evenHalf, even.oddHalf, odd.oddHalf)
  }
}
