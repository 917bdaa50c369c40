/// The gradient of a convolution towards its input, which is also what a transposed convolution computes.
///
/// Without strides it is the convolution of the output's gradient with the kernels reversed. With strides, columns are
/// computed from the output's gradient and added up where they were read.
public struct ConvolutionInputGradient: Sendable {
  public let geometry: ConvolutionGeometry
  private let reversed: Convolution?
  private let tiles: ConvolutionTiles
  private let channelBlock: Int

  public init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    reversed = geometry.reversed.map { Convolution($0, isTransposed: $0.kernel.count == 1) }
    let images = max(1, min(geometry.batch, 512 / max(1, geometry.output.count)))
    tiles = ConvolutionTiles(geometry, columns: images * geometry.output.count, keepsWhole: true)
    let perChannel = max(1, geometry.kernel.count * tiles.columns)
    let channels = geometry.inputChannelsInGroup
    channelBlock = max(1, min((channels + 1) / 2, (1 << 19) / perChannel))
  }

  public var scratchCount: Int {
    if let reversed { return reversed.scratchCount + weightCount }
    return laneCount * min(Workers.lanes, pieces)
  }

  private var weightCount: Int {
    geometry.kernel.count > 1 ? Scratch.rounded(geometry.weightCount) : 0
  }
  private var columnsCount: Int { Scratch.rounded(channelBlock * geometry.kernel.count * tiles.columns) }
  private var laneCount: Int {
    columnsCount + (tiles.images > 1 ? Scratch.rounded(geometry.outputChannelsInGroup * tiles.columns) : 0)
  }
  private var blocks: Int { (geometry.inputChannelsInGroup + channelBlock - 1) / max(1, channelBlock) }
  private var pieces: Int { blocks * geometry.groups * tiles.count }

  /// - Parameter epilogue: of the channels of the convolution's input; a transposed convolution has a bias.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ gradient: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>, scratch: UnsafeMutablePointer<T>, _ product: MatrixProduct, _ workers: Workers
  ) {
    if let reversed {
      if geometry.kernel.count > 1 { reverse(weight, to: scratch, workers) }
      reversed(
        gradient, geometry.kernel.count > 1 ? UnsafePointer(scratch) : weight, output, epilogue,
        scratch: scratch + weightCount, product, workers)
      return
    }
    workers.forEachTile(pieces) { piece, lane in
      let block = piece % blocks
      let (tile, group) = (piece / blocks).quotientAndRemainder(dividingBy: geometry.groups)
      let channels =
        block * channelBlock..<min(geometry.inputChannelsInGroup, (block + 1) * channelBlock)
      let columns = scratch + lane * laneCount
      compute(tiles[tile], group, channels, gradient, weight, columns, product)
      addUp(tiles[tile], group, channels, columns, output, epilogue)
    }
  }

  private func compute<T: Real>(
    _ tile: ConvolutionTiles.Tile, _ group: Int, _ channels: Range<Int>, _ gradient: UnsafePointer<T>,
    _ weight: UnsafePointer<T>, _ columns: UnsafeMutablePointer<T>, _ product: MatrixProduct
  ) {
    let first = weight + (group * geometry.outputChannelsInGroup * geometry.inner)
    product(
      rows: channels.count * geometry.kernel.count, columns: tile.columns, inner: geometry.outputChannelsInGroup,
      .init(first + channels.lowerBound * geometry.kernel.count, leading: geometry.inner, isTransposed: true),
      GatheredGradient.operand(gradient, geometry, group, tile, isGathered: tiles.images > 1, columns + columnsCount),
      columns, leading: tile.columns)
  }

  private func addUp<T: Real>(
    _ tile: ConvolutionTiles.Tile, _ group: Int, _ channels: Range<Int>, _ columns: UnsafeMutablePointer<T>,
    _ output: UnsafeMutablePointer<T>, _ epilogue: ConvolutionEpilogue<T>
  ) {
    let plane = geometry.input.count
    for (index, image) in tile.images.enumerated() {
      let first = image * geometry.inputChannels + group * geometry.inputChannelsInGroup
      let target = output + first * plane
      (target + channels.lowerBound * plane).update(repeating: 0, count: channels.count * plane)
      ImageColumns.add(
        columns + index * tile.positions.count, leading: tile.columns, image: target, geometry, channels: channels)
      guard !epilogue.isEmpty else { continue }
      for channel in channels {
        let offset = (first + channel) * plane
        epilogue.apply(
          output + offset, to: output + offset, count: plane,
          channel: group * geometry.inputChannelsInGroup + channel, offset: offset)
      }
    }
  }

  /// Writes the weight with its channel axes exchanged within each group and its kernels reversed.
  private func reverse<T: Real>(_ weight: UnsafePointer<T>, to target: UnsafeMutablePointer<T>, _ workers: Workers) {
    let (rows, columns, count) = (geometry.outputChannelsInGroup, geometry.inputChannelsInGroup, geometry.kernel.count)
    workers.forEachRange(of: geometry.inputChannels, grain: max(1, 65_536 / max(1, rows * count))) { channels in
      for channel in channels {
        let (group, column) = channel.quotientAndRemainder(dividingBy: columns)
        for row in 0..<rows {
          let source = weight + ((group * rows + row) * columns + column) * count
          let reversed = target + (channel * rows + row) * count
          for position in 0..<count { reversed[count - 1 - position] = source[position] }
        }
      }
    }
  }
}

/// The output's gradient as a matrix of channels by positions of a tile.
enum GatheredGradient {
  /// - Parameters:
  ///   - isGathered: whether tiles may span several images, whose rows are then put side by side in `scratch`.
  static func operand<T: Real>(
    _ gradient: UnsafePointer<T>, _ geometry: ConvolutionGeometry, _ group: Int, _ tile: ConvolutionTiles.Tile,
    isGathered: Bool, _ scratch: UnsafeMutablePointer<T>
  ) -> MatrixProduct.Operand<T> {
    let plane = geometry.output.count
    let channels = geometry.outputChannelsInGroup
    let first = gradient + group * channels * plane
    let stride = geometry.outputChannels * plane
    guard isGathered else {
      return .init(first + tile.images.lowerBound * stride + tile.positions.lowerBound, leading: plane)
    }
    for (index, image) in tile.images.enumerated() {
      for channel in 0..<channels {
        Runs.copy(
          first + (image * stride + channel * plane + tile.positions.lowerBound),
          to: scratch + (channel * tile.columns + index * tile.positions.count), count: tile.positions.count)
      }
    }
    return .init(scratch, leading: tile.columns)
  }
}
