/// How the output positions of all images are cut into tiles: several whole images where images are small, parts of one
/// where they are large. Follows from the sizes alone.
struct ConvolutionTiles {
  /// One tile: `positions` of each of `images`.
  struct Tile {
    let images: Range<Int>
    let positions: Range<Int>

    var columns: Int { images.count * positions.count }
  }

  let batch: Int
  let total: Int
  let images: Int
  let positions: Int

  /// - Parameters:
  ///   - columns: the columns a tile should have, about.
  ///   - keepsWhole: whether images must not be cut.
  init(_ geometry: ConvolutionGeometry, columns: Int, keepsWhole: Bool = false) {
    batch = geometry.batch
    total = geometry.output.count
    let target = max(1, columns)
    if total > target, !keepsWhole {
      images = 1
      let parts = Self.even((total + target - 1) / target, batch)
      let width = (total + parts - 1) / parts
      // Whole lines of the output, which columns are made of, or vectors of it.
      let unit = geometry.output.width <= width && !geometry.isPointwise ? geometry.output.width : 16
      positions = min(total, (width + unit - 1) / unit * unit)
    } else {
      let most = max(1, min(batch, target / max(1, total)))
      let parts = Self.even((batch + most - 1) / max(1, most), 1)
      images = max(1, (batch + parts - 1) / max(1, parts))
      positions = total
    }
  }

  /// An odd count of tiles would leave one of two threads without work at the end.
  private static func even(_ parts: Int, _ times: Int) -> Int {
    let parts = max(1, parts)
    return parts > 1 && parts < 16 && parts * times % 2 == 1 ? parts + 1 : parts
  }

  private var partsOfImage: Int { positions == 0 ? 0 : (total + positions - 1) / positions }

  var count: Int { (batch + images - 1) / images * partsOfImage }
  /// Of the largest tile.
  var columns: Int { images * positions }

  subscript(index: Int) -> Tile {
    let (block, part) = index.quotientAndRemainder(dividingBy: partsOfImage)
    return Tile(
      images: block * images..<min(batch, (block + 1) * images),
      positions: part * positions..<min(total, (part + 1) * positions))
  }
}
