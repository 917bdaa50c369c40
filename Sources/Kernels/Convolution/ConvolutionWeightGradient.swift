/// The gradient of a convolution towards its weight: the output's gradient times the input's columns, over all images.
///
/// Input channels are divided among threads; where there are few of them, images are, in a fixed number of partial sums.
public struct ConvolutionWeightGradient: Sendable {
  public let geometry: ConvolutionGeometry
  private let channelBlock: Int
  private let parts: Int
  private let tiles: ConvolutionTiles

  public init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    let channels = geometry.inputChannelsInGroup
    let kernel = geometry.kernel.count
    let blocks = geometry.groups >= 4 ? 1 : max(1, min(4, channels * kernel / 64, channels))
    channelBlock = max(1, (channels + blocks - 1) / blocks)
    let columns = max(256, min(2048, (1 << 19) / max(1, channelBlock * kernel)))
    tiles = ConvolutionTiles(geometry, columns: columns)
    parts = blocks * geometry.groups > 1 ? 1 : max(1, min(4, tiles.count))
  }

  public var scratchCount: Int { partialCount + laneCount * min(Workers.lanes, pieces) }

  private var partialCount: Int { parts > 1 ? parts * Scratch.rounded(geometry.weightCount) : 0 }
  private var readsInput: Bool { geometry.isPointwise && tiles.images == 1 }
  private var columnsCount: Int {
    readsInput ? 0 : Scratch.rounded(channelBlock * geometry.kernel.count * tiles.columns)
  }
  private var laneCount: Int {
    columnsCount + (tiles.images > 1 ? Scratch.rounded(geometry.outputChannelsInGroup * tiles.columns) : 0)
  }
  private var blocks: Int { (geometry.inputChannelsInGroup + channelBlock - 1) / channelBlock }
  private var pieces: Int { blocks * geometry.groups * parts }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ gradient: UnsafePointer<T>, _ input: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    scratch: UnsafeMutablePointer<T>, _ product: MatrixProduct, _ workers: Workers
  ) {
    let size = Scratch.rounded(geometry.weightCount)
    workers.forEachTile(pieces) { piece, lane in
      let part = piece / (blocks * geometry.groups)
      let (group, block) = (piece % (blocks * geometry.groups)).quotientAndRemainder(dividingBy: blocks)
      let start = block * channelBlock
      accumulate(
        part, group, start..<min(geometry.inputChannelsInGroup, start + channelBlock), gradient, input,
        parts > 1 ? scratch + part * size : output, scratch + (partialCount + lane * laneCount), product)
    }
    guard parts > 1 else { return }
    workers.forEachRange(of: geometry.weightCount, grain: 16_384) { range in
      for index in range { output[index] = scratch[index] }
      for part in 1..<parts {
        let partial = scratch + part * size
        for index in range { output[index] += partial[index] }
      }
    }
  }

  private func accumulate<T: Real>(
    _ part: Int, _ group: Int, _ channels: Range<Int>, _ gradient: UnsafePointer<T>, _ input: UnsafePointer<T>,
    _ output: UnsafeMutablePointer<T>, _ scratch: UnsafeMutablePointer<T>, _ product: MatrixProduct
  ) {
    let kernel = geometry.kernel.count
    let target = output + (group * geometry.outputChannelsInGroup * geometry.inner + channels.lowerBound * kernel)
    let range = tiles.count * part / parts..<tiles.count * (part + 1) / parts
    for index in range {
      let tile = tiles[index]
      let columns = columns(tile, group, channels, input, scratch)
      product(
        rows: geometry.outputChannelsInGroup, columns: channels.count * kernel, inner: tile.columns,
        GatheredGradient.operand(gradient, geometry, group, tile, isGathered: tiles.images > 1, scratch + columnsCount),
        columns, beta: index == range.lowerBound ? 0 : 1, target, leading: geometry.inner)
    }
    guard range.isEmpty else { return }
    for row in 0..<geometry.outputChannelsInGroup {
      (target + row * geometry.inner).update(repeating: 0, count: channels.count * kernel)
    }
  }

  /// The columns of a tile, a row each.
  private func columns<T: Real>(
    _ tile: ConvolutionTiles.Tile, _ group: Int, _ channels: Range<Int>, _ input: UnsafePointer<T>,
    _ scratch: UnsafeMutablePointer<T>
  ) -> MatrixProduct.Operand<T> {
    let plane = geometry.input.count
    let first = input + group * geometry.inputChannelsInGroup * plane
    let stride = geometry.inputChannels * plane
    if readsInput {
      return .init(
        first + (tile.images.lowerBound * stride + channels.lowerBound * plane + tile.positions.lowerBound),
        leading: plane, isTransposed: true)
    }
    for (index, image) in tile.images.enumerated() {
      ImageColumns.fill(
        scratch + index * tile.positions.count, leading: tile.columns, image: first + image * stride, geometry,
        channels: channels, positions: tile.positions)
    }
    return .init(scratch, leading: tile.columns, isTransposed: true)
  }
}
