import COpenBLAS

/// Convolutions over images with channels first, as matrix products over columns of output positions.
///
/// Tiles of columns are made just before they are multiplied, so that they are still in the cache, and the epilogue is
/// applied to what a tile makes before the next one.
public struct Convolution: Sendable {
  public let geometry: ConvolutionGeometry
  /// Whether the weight is stored with its axes exchanged, for kernels of one position.
  let isTransposed: Bool
  let tiles: ConvolutionTiles
  /// Whether the weight is larger than all columns: then it is what is cut.
  let splitsRows: Bool
  /// Whether the weight is small enough for products by panels, in single precision.
  let usesPanels: Bool
  /// Output channels a thread computes at once.
  let rowsOfPiece: Int

  /// Whether panels use registers of 512 bits.
  private let isWide: Bool

  public init(_ geometry: ConvolutionGeometry) { self.init(geometry, isTransposed: false) }

  /// - Parameter isWide: whether to use registers of 512 bits, which also works without them.
  package init(_ geometry: ConvolutionGeometry, isTransposed: Bool = false, isWide: Bool = COPPICE_WIDE_VECTORS == 1) {
    self.geometry = geometry
    self.isWide = isWide
    self.isTransposed = isTransposed
    let columns = geometry.batch * geometry.output.count
    splitsRows = geometry.groups == 1 && geometry.outputChannels > columns && geometry.outputChannels >= 32
    let fine = splitsRows ? Self.rowsOfPiece(geometry.outputChannels, pieces: 8) : geometry.outputChannelsInGroup
    usesPanels = PanelProduct.suits(rows: fine, inner: geometry.inner)
    rowsOfPiece = usesPanels || !splitsRows ? fine : Self.rowsOfPiece(geometry.outputChannels, pieces: 4)
    let fitting = Self.tileElements / max(1, geometry.inner)
    // What is multiplied by panels gains nothing from long tiles, and short ones are evenly divided.
    let length = usesPanels ? max(128, min(512, fitting)) : max(256, min(2048, fitting))
    // Two threads at least find a tile of 64 columns each.
    let shared = geometry.groups > 1 ? columns : max(64, (columns + 1) / 2)
    tiles = ConvolutionTiles(geometry, columns: splitsRows ? columns : min(length, shared))
  }

  /// Rows of `pieces` pieces, or of fewer that are not short.
  private static func rowsOfPiece(_ rows: Int, pieces: Int) -> Int {
    let pieces = max(1, min(pieces, rows / (256 / pieces)))
    // Whole tiles of registers.
    return ((rows + pieces - 1) / pieces + 11) / 12 * 12
  }

  /// Elements of a tile's columns: about what the second cache holds beside the weight.
  private static let tileElements = 1 << 19

  public var scratchCount: Int {
    if splitsRows { return columnsCount + resultCount + panelCount * Workers.lanes }
    return laneCount * min(Workers.lanes, tiles.count * geometry.groups)
  }

  private var panelCount: Int {
    usesPanels ? Scratch.rounded(PanelProduct.scratchCount(rows: rowsOfPiece, inner: geometry.inner)) : 0
  }

  private var columnsCount: Int { readsInput ? 0 : Scratch.rounded(geometry.inner * tiles.columns) }
  private var resultCount: Int {
    tiles.images > 1 ? Scratch.rounded(geometry.outputChannelsInGroup * tiles.columns) : 0
  }
  private var laneCount: Int { columnsCount + resultCount + panelCount }
  /// Whether a part of the input is a matrix of columns as it is.
  private var readsInput: Bool { geometry.isPointwise && tiles.images == 1 }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ input: UnsafePointer<T>, _ weight: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    _ epilogue: ConvolutionEpilogue<T>, scratch: UnsafeMutablePointer<T>, _ product: MatrixProduct, _ workers: Workers
  ) {
    let run = Run(
      convolution: self, input: input, weight: weight, output: output, epilogue: epilogue, product: product)
    if splitsRows {
      runByRows(run, scratch, workers)
    } else {
      workers.forEachTile(tiles.count * geometry.groups) { index, lane in
        let (tile, group) = index.quotientAndRemainder(dividingBy: geometry.groups)
        let columns = scratch + lane * laneCount
        let operand = run.columns(tiles[tile], group: group, in: columns, channels: nil)
        run.multiply(
          tiles[tile], group: group, rows: 0..<geometry.outputChannelsInGroup, operand, result: columns + columnsCount,
          panel: columns + (columnsCount + resultCount))
      }
    }
  }

  private func runByRows<T: Real>(_ run: Run<T>, _ scratch: UnsafeMutablePointer<T>, _ workers: Workers) {
    let result = scratch + columnsCount
    for index in 0..<tiles.count {
      let tile = tiles[index]
      if !readsInput {
        workers.forEachRange(of: geometry.inputChannels, grain: (geometry.inputChannels + 3) / 4) { channels in
          _ = run.columns(tile, group: 0, in: scratch, channels: channels)
        }
      }
      let operand = run.operand(tile, group: 0, columns: scratch)
      workers.forEachTile((geometry.outputChannels + rowsOfPiece - 1) / rowsOfPiece) { piece, lane in
        run.multiply(
          tile, group: 0, rows: piece * rowsOfPiece..<min(geometry.outputChannels, (piece + 1) * rowsOfPiece), operand,
          result: result, panel: result + (resultCount + lane * panelCount))
      }
    }
  }

  /// The memory of one run.
  private struct Run<T: Real> {
    let convolution: Convolution
    let input: UnsafePointer<T>
    let weight: UnsafePointer<T>
    let output: UnsafeMutablePointer<T>
    let epilogue: ConvolutionEpilogue<T>
    let product: MatrixProduct

    @inline(__always) var geometry: ConvolutionGeometry { convolution.geometry }

    func image(_ image: Int, group: Int) -> UnsafePointer<T> {
      input + (image * geometry.inputChannels + group * geometry.inputChannelsInGroup) * geometry.input.count
    }

    func operand(
      _ tile: ConvolutionTiles.Tile, group: Int, columns: UnsafePointer<T>
    ) -> MatrixProduct.Operand<T> {
      guard convolution.readsInput else { return .init(columns, leading: tile.columns) }
      return .init(
        image(tile.images.lowerBound, group: group) + tile.positions.lowerBound, leading: geometry.output.count)
    }

    /// Makes the columns of a tile, or of some of its channels.
    func columns(
      _ tile: ConvolutionTiles.Tile, group: Int, in columns: UnsafeMutablePointer<T>, channels: Range<Int>?
    ) -> MatrixProduct.Operand<T> {
      if !convolution.readsInput {
        let channels = channels ?? 0..<geometry.inputChannelsInGroup
        let first = columns + channels.lowerBound * geometry.kernel.count * tile.columns
        for (index, image) in tile.images.enumerated() {
          ImageColumns.fill(
            first + index * tile.positions.count, leading: tile.columns, image: self.image(image, group: group),
            geometry, channels: channels, positions: tile.positions)
        }
      }
      return operand(tile, group: group, columns: columns)
    }

    /// Computes `rows` of a group's output channels.
    func multiply(
      _ tile: ConvolutionTiles.Tile, group: Int, rows: Range<Int>, _ columns: MatrixProduct.Operand<T>,
      result: UnsafeMutablePointer<T>, panel: UnsafeMutablePointer<T>
    ) {
      let plane = geometry.output.count
      let firstChannel = group * geometry.outputChannelsInGroup + rows.lowerBound
      let isDirect = convolution.tiles.images == 1
      let target =
        isDirect
        ? output
          + ((tile.images.lowerBound * geometry.outputChannels + firstChannel) * plane + tile.positions.lowerBound)
        : result + rows.lowerBound * tile.columns
      let leading = isDirect ? plane : tile.columns
      let weights = weights(group: group).from(row: rows.lowerBound, column: 0)
      if T.self == Float.self, convolution.usesPanels {
        let finish = isDirect ? panelFinish(firstChannel, residualOffset: target - output) : .init()
        PanelProduct(
          rows: rows.count, columns: tile.columns, inner: geometry.inner, weights: .init(weights.floats),
          source: VectorLoops.floats(columns.elements), sourceLeading: columns.leading,
          target: VectorLoops.floats(target), leading: leading, finish: finish,
          isWide: convolution.isWide)(scratch: VectorLoops.floats(panel))
        if isDirect, isClipped { return }
      } else {
        product(
          rows: rows.count, columns: tile.columns, inner: geometry.inner, weights, columns, target, leading: leading)
      }
      if isDirect, epilogue.isEmpty { return }
      for row in 0..<rows.count {
        for (index, image) in tile.images.enumerated() {
          let offset = (image * geometry.outputChannels + firstChannel + row) * plane + tile.positions.lowerBound
          epilogue.apply(
            target + (row * leading + index * tile.positions.count), to: output + offset, count: tile.positions.count,
            channel: firstChannel + row, offset: offset)
        }
      }
    }

    /// Whether bounds are all there is to the activation.
    private var isClipped: Bool {
      switch epilogue.activation {
      case .none, .clip: true
      default: false
      }
    }

    /// What a panel does itself: everything, or nothing.
    private func panelFinish(_ channel: Int, residualOffset: Int) -> PanelProduct.Finish {
      guard isClipped else { return .init() }
      let floats = epilogue.floats
      var finish = PanelProduct.Finish(
        bias: floats.bias.map { $0 + channel }, residual: floats.residual.map { $0 + residualOffset })
      if case .clip(let low, let high) = epilogue.activation {
        finish.low = Float(low)
        finish.high = Float(high)
      }
      return finish
    }

    private func weights(group: Int) -> MatrixProduct.Operand<T> {
      let first = weight + group * geometry.outputChannelsInGroup * geometry.inner
      return convolution.isTransposed
        ? .init(first, leading: geometry.outputChannelsInGroup, isTransposed: true)
        : .init(first, leading: geometry.inner)
    }
  }
}

/// Parts of scratch memory that begin on cache lines.
enum Scratch {
  static func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
