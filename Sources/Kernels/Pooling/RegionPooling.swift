/// Poolings of regions of a feature map of batch × channels × height × width.
public enum RegionPooling {
  public struct Layout: Sendable {
    public var channels: Int
    public var height: Int
    public var width: Int
    public var regions: Int
    public var pooledHeight: Int
    public var pooledWidth: Int
    /// What corners of regions are multiplied by.
    public var scale: Double

    public init(
      channels: Int, height: Int, width: Int, regions: Int, pooledHeight: Int, pooledWidth: Int, scale: Double
    ) {
      self.channels = channels
      self.height = height
      self.width = width
      self.regions = regions
      self.pooledHeight = pooledHeight
      self.pooledWidth = pooledWidth
      self.scale = scale
    }

    var planeCount: Int { height * width }
    var grain: Int { max(1, 256 / max(1, pooledHeight * pooledWidth)) }
  }

  /// How `RoiAlign` samples.
  public struct Sampling: Sendable {
    public var takesMaximum: Bool
    /// Samples along each side of a bin; zero for as many as it has positions.
    public var ratio: Int
    /// Whether coordinates are those of pixels' centers.
    public var isHalfPixel: Bool

    public init(takesMaximum: Bool, ratio: Int, isHalfPixel: Bool) {
      self.takesMaximum = takesMaximum
      self.ratio = ratio
      self.isHalfPixel = isHalfPixel
    }
  }

  /// Means or maxima of bilinear samples. Images must lie inside the batch.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func align<T: Real>(
    _ x: UnsafePointer<T>, regions: UnsafePointer<T>, images: UnsafePointer<Int64>, _ y: UnsafeMutablePointer<T>,
    _ sampling: Sampling, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.regions * layout.channels, grain: layout.grain) { range in
      for index in range {
        let (region, channel) = (index / layout.channels, index % layout.channels)
        let plane = x + (Int(images[region]) * layout.channels + channel) * layout.planeCount
        alignRegion(
          plane, regions + 4 * region, y + index * layout.pooledHeight * layout.pooledWidth, sampling, layout)
      }
    }
  }

  @inline(__always)
  private static func alignRegion<T: Real>(
    _ plane: UnsafePointer<T>, _ corners: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ sampling: Sampling,
    _ layout: Layout
  ) {
    let offset = sampling.isHalfPixel ? 0.5 : 0
    let (left, top) = (Double(corners[0]) * layout.scale - offset, Double(corners[1]) * layout.scale - offset)
    var width = Double(corners[2]) * layout.scale - offset - left
    var height = Double(corners[3]) * layout.scale - offset - top
    if !sampling.isHalfPixel { (width, height) = (max(width, 1), max(height, 1)) }
    let (binWidth, binHeight) = (width / Double(layout.pooledWidth), height / Double(layout.pooledHeight))
    let columns = sampling.ratio > 0 ? sampling.ratio : samples(binWidth, limit: layout.width)
    let rows = sampling.ratio > 0 ? sampling.ratio : samples(binHeight, limit: layout.height)
    for binRow in 0..<layout.pooledHeight {
      for binColumn in 0..<layout.pooledWidth {
        var (sum, best) = (0.0, -Double.infinity)
        for row in 0..<rows {
          let place = top + (Double(binRow) + (Double(row) + 0.5) / Double(rows)) * binHeight
          for column in 0..<columns {
            let across = left + (Double(binColumn) + (Double(column) + 0.5) / Double(columns)) * binWidth
            let value = sample(plane, place, across, layout, takesMaximum: sampling.takesMaximum)
            sum += value
            best = max(best, value)
          }
        }
        let count = rows * columns
        let result = sampling.takesMaximum ? (count > 0 ? best : 0) : sum / Double(max(1, count))
        y[binRow * layout.pooledWidth + binColumn] = T(result)
      }
    }
  }

  /// As many samples as a bin has positions; corners may be any numbers, even none at all.
  private static func samples(_ size: Double, limit: Int) -> Int {
    guard size > 0 else { return 0 }
    return Int(min(size.rounded(.up), Double(4 * limit + 4)))
  }

  /// Between four elements; of maxima, the largest of the weighted elements, as the reference has it.
  @inline(__always)
  private static func sample<T: Real>(
    _ plane: UnsafePointer<T>, _ row: Double, _ column: Double, _ layout: Layout, takesMaximum: Bool
  ) -> Double {
    guard row >= -1, row <= Double(layout.height), column >= -1, column <= Double(layout.width),
      layout.planeCount > 0
    else { return 0 }
    let (row, column) = (min(max(row, 0), Double(layout.height - 1)), min(max(column, 0), Double(layout.width - 1)))
    let (top, left) = (Int(row), Int(column))
    let (bottom, right) = (min(top + 1, layout.height - 1), min(left + 1, layout.width - 1))
    let (down, across) = (row - Double(top), column - Double(left))
    let (upper, lower) = (plane + top * layout.width, plane + bottom * layout.width)
    let elements = SIMD4(Double(upper[left]), Double(upper[right]), Double(lower[left]), Double(lower[right]))
    let weights = SIMD4(1 - down, 1 - down, down, down) * SIMD4(1 - across, across, 1 - across, across)
    let terms = weights * elements
    return takesMaximum ? terms.max() : terms.sum()
  }

  /// Maxima over the positions of each bin; each region is an image and four corners.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func maximum<T: Real>(
    _ x: UnsafePointer<T>, regions: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ layout: Layout,
    workers: Workers
  ) {
    workers.forEachRange(of: layout.regions * layout.channels, grain: layout.grain) { range in
      for index in range {
        let corners = regions + 5 * (index / layout.channels)
        let plane =
          x + (Int(corners[0]) * layout.channels + index % layout.channels) * layout.planeCount
        let across = Bins(corners[1], corners[3], count: layout.pooledWidth, limit: layout.width, layout.scale)
        let down = Bins(corners[2], corners[4], count: layout.pooledHeight, limit: layout.height, layout.scale)
        for bin in 0..<(layout.pooledHeight * layout.pooledWidth) {
          let rows = down.positions(bin / layout.pooledWidth)
          let columns = across.positions(bin % layout.pooledWidth)
          var best: T = rows.isEmpty || columns.isEmpty ? 0 : -.infinity
          for row in rows {
            for column in columns { best = max(best, plane[row * layout.width + column]) }
          }
          y[index * layout.pooledHeight * layout.pooledWidth + bin] = best
        }
      }
    }
  }

  /// The bins of a region along one axis.
  private struct Bins {
    let start: Double
    let size: Double
    let limit: Int

    init<T: Real>(_ first: T, _ last: T, count: Int, limit: Int, _ scale: Double) {
      // Halves are rounded away from zero, as by C's round.
      start = (Double(first) * scale).rounded()
      size = max((Double(last) * scale).rounded() - start + 1, 1) / Double(count)
      self.limit = limit
    }

    func positions(_ bin: Int) -> Range<Int> {
      let bounds = 0...Double(limit)
      let first = min(max((Double(bin) * size).rounded(.down) + start, bounds.lowerBound), bounds.upperBound)
      let end = min(max((Double(bin + 1) * size).rounded(.up) + start, bounds.lowerBound), bounds.upperBound)
      return Int(first)..<max(Int(first), Int(end))
    }
  }
}
