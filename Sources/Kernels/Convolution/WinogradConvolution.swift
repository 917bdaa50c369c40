/// Convolutions with kernels of 3 × 3 and no strides by Winograd's F(4 × 4, 3 × 3): tiles of 6 × 6 inputs and 4 × 4
/// outputs take 36 products where sums over windows take 144.
///
/// Tiles are transformed so that each of their 36 elements becomes one matrix product over channels. Blocks of lines of
/// tiles are chosen so that what lies between the steps stays in the last cache.
public struct WinogradConvolution: Sendable {
  public let geometry: ConvolutionGeometry
  /// Whether `geometry` is that of the reverse convolution that makes the input's gradient, with the weight of the
  /// forward one.
  let isReversed: Bool
  let grid: WinogradGrid

  /// - Returns: `nil` where the direct way is faster or the only one.
  public init?(_ geometry: ConvolutionGeometry) { self.init(geometry, isReversed: false) }

  /// The computation of the gradient towards the input of a convolution.
  public init?(inputGradientOf geometry: ConvolutionGeometry) {
    guard let reversed = geometry.reversed else { return nil }
    self.init(reversed, isReversed: true)
  }

  private init?(_ geometry: ConvolutionGeometry, isReversed: Bool) {
    guard WinogradGrid.suits(geometry) else { return nil }
    self.geometry = geometry
    self.isReversed = isReversed
    grid = WinogradGrid(geometry)
  }

  private var filterCount: Int {
    // As stored: the forward convolution's output channels first.
    isReversed
      ? 36 * geometry.inputChannels * Scratch.rounded(geometry.outputChannels)
      : 36 * geometry.outputChannels * Scratch.rounded(geometry.inputChannels)
  }
  private var dataCount: Int { 36 * geometry.inputChannels * grid.leading }
  private var productCount: Int { 36 * geometry.outputChannels * grid.leading }

  public var scratchCount: Int { filterCount + dataCount + productCount + grid.laneCount * Workers.lanes }

  public func callAsFunction(
    _ input: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ epilogue: ConvolutionEpilogue<Float>, scratch: UnsafeMutablePointer<Float>, _ product: MatrixProduct,
    _ workers: Workers
  ) {
    let data = scratch + filterCount
    let products = data + dataCount
    let lanes = products + productCount
    transformFilters(weight, scratch, lanes, workers)
    for block in 0..<grid.blocks {
      let lines = grid.lines(block)
      grid.transformData(
        input, channels: geometry.inputChannels, size: geometry.input, padding: geometry.padding, lines, to: data,
        lanes, workers)
      multiply(scratch, data, products, columns: lines.count * grid.across, product, workers)
      transformOutput(products, lines, output, epilogue, lanes, workers)
    }
  }

  private func transformFilters(
    _ weight: UnsafePointer<Float>, _ filters: UnsafeMutablePointer<Float>, _ lanes: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    let rows = isReversed ? geometry.inputChannels : geometry.outputChannels
    let columns = isReversed ? geometry.outputChannels : geometry.inputChannels
    let leading = Scratch.rounded(columns)
    let grain = max(1, 16_384 / columns)
    workers.forEachTile((rows + grain - 1) / grain) { piece, lane in
      let taps = lanes + lane * grid.laneCount
      for row in piece * grain..<min(rows, (piece + 1) * grain) {
        for column in stride(from: 0, to: columns, by: 8) {
          let source = weight + (row * columns + column) * 9
          for index in 0..<min(8, columns - column) {
            for tap in 0..<9 { taps[(isReversed ? 8 - tap : tap) * 8 + index] = source[index * 9 + tap] }
          }
          Winograd.Filter.applyTwice(taps, 8, filters + (row * leading + column), rows * leading, taps + 72)
        }
      }
    }
  }

  private func multiply(
    _ filters: UnsafePointer<Float>, _ data: UnsafePointer<Float>, _ products: UnsafeMutablePointer<Float>,
    columns: Int, _ product: MatrixProduct, _ workers: Workers
  ) {
    let (rows, inner) = (geometry.outputChannels, geometry.inputChannels)
    let leading = Scratch.rounded(isReversed ? rows : inner)
    let size = isReversed ? inner * leading : rows * leading
    workers.forEach(36) { element in
      product(
        rows: rows, columns: columns, inner: inner,
        .init(filters + element * size, leading: leading, isTransposed: isReversed),
        .init(data + element * inner * grid.leading, leading: grid.leading),
        products + element * rows * grid.leading, leading: grid.leading)
    }
  }

  private func transformOutput(
    _ products: UnsafePointer<Float>, _ lines: Range<Int>, _ output: UnsafeMutablePointer<Float>,
    _ epilogue: ConvolutionEpilogue<Float>, _ lanes: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let channels = geometry.outputChannels
    let columns = lines.count * grid.across
    let grain = max(1, 4096 / max(1, columns))
    workers.forEachTile((channels + grain - 1) / grain) { piece, lane in
      let tiles = lanes + lane * grid.laneCount
      for channel in piece * grain..<min(channels, (piece + 1) * grain) {
        for column in stride(from: 0, to: columns, by: 8) {
          Winograd.Output.applyTwice(
            products + (channel * grid.leading + column), channels * grid.leading, tiles + column, grid.leading,
            tiles + 36 * grid.leading)
        }
        writeLines(tiles, lines, channel, output, epilogue)
      }
    }
  }

  /// Puts 4 × 4 tiles of one channel together to lines.
  @inline(__always)
  private func writeLines(
    _ tiles: UnsafeMutablePointer<Float>, _ lines: Range<Int>, _ channel: Int, _ output: UnsafeMutablePointer<Float>,
    _ epilogue: ConvolutionEpilogue<Float>
  ) {
    let (leading, width) = (grid.leading, geometry.output.width)
    let row = tiles + 36 * leading
    for (index, line) in lines.enumerated() {
      let (image, down) = line.quotientAndRemainder(dividingBy: grid.down)
      let first = tiles + index * grid.across
      for y in 0..<min(4, geometry.output.height - 4 * down) {
        let source = first + 4 * y * leading
        for x in 0..<grid.across {
          let four = SIMD4(source[x], source[leading + x], source[2 * leading + x], source[3 * leading + x])
          Runs.store(four, row + 4 * x)
        }
        let offset =
          ((image * geometry.outputChannels + channel) * geometry.output.height + 4 * down + y) * width
        epilogue.apply(row, to: output + offset, count: width, channel: channel, offset: offset)
      }
    }
  }
}
