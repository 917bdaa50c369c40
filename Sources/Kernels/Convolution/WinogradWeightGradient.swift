/// The gradient of a convolution towards its weight, over the same tiles as ``WinogradConvolution``: products of
/// transformed inputs and output gradients are summed over tiles, and transformed back at the end.
public struct WinogradWeightGradient: Sendable {
  public let geometry: ConvolutionGeometry
  let grid: WinogradGrid

  /// - Returns: `nil` where the direct way is faster or the only one.
  public init?(_ geometry: ConvolutionGeometry) {
    guard WinogradGrid.suits(geometry) else { return nil }
    self.geometry = geometry
    grid = WinogradGrid(geometry)
  }

  private var leading: Int { Scratch.rounded(geometry.inputChannels) }
  private var sumCount: Int { 36 * geometry.outputChannels * leading }
  private var dataCount: Int { 36 * geometry.inputChannels * grid.leading }
  private var gradientCount: Int { 36 * geometry.outputChannels * grid.leading }

  public var scratchCount: Int { sumCount + dataCount + gradientCount + grid.laneCount * Workers.lanes }

  public func callAsFunction(
    _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, _ product: MatrixProduct, _ workers: Workers
  ) {
    let data = scratch + sumCount
    let gradients = data + dataCount
    let lanes = gradients + gradientCount
    let (rows, columns) = (geometry.outputChannels, geometry.inputChannels)
    for block in 0..<grid.blocks {
      let lines = grid.lines(block)
      grid.transformData(
        input, channels: columns, size: geometry.input, padding: geometry.padding, lines, to: data, lanes, workers)
      grid.transformGradient(
        gradient, channels: rows, size: geometry.output, lines, to: gradients, lanes, workers)
      workers.forEach(36) { element in
        product(
          rows: rows, columns: columns, inner: lines.count * grid.across,
          .init(gradients + element * rows * grid.leading, leading: grid.leading),
          .init(data + element * columns * grid.leading, leading: grid.leading, isTransposed: true),
          beta: block == 0 ? 0 : 1, scratch + element * rows * leading, leading: leading)
      }
    }
    transformBack(scratch, output, lanes, workers)
  }

  private func transformBack(
    _ sums: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ lanes: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    let (rows, columns) = (geometry.outputChannels, geometry.inputChannels)
    let grain = max(1, 16_384 / columns)
    workers.forEachTile((rows + grain - 1) / grain) { piece, lane in
      let taps = lanes + lane * grid.laneCount
      for row in piece * grain..<min(rows, (piece + 1) * grain) {
        for column in stride(from: 0, to: columns, by: 8) {
          Winograd.FilterGradient.applyTwice(
            sums + (row * leading + column), rows * leading, taps, 8, taps + 72)
          let target = output + (row * columns + column) * 9
          for index in 0..<min(8, columns - column) {
            for tap in 0..<9 { target[index * 9 + tap] = taps[tap * 8 + index] }
          }
        }
      }
    }
  }
}
