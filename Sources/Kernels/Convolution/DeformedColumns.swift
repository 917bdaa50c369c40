/// The columns of a convolution whose window bends: every position of it reads the plane at a place of its own, between
/// elements, and zero outside (Dai et al. 2017; masks: Zhu et al. 2019).
public struct DeformedColumns: Sendable {
  private let geometry: ConvolutionGeometry
  private let offsetGroups: Int

  /// - Parameter offsetGroups: how many sets of offsets the channels are divided among.
  public init(_ geometry: ConvolutionGeometry, offsetGroups: Int) {
    self.geometry = geometry
    self.offsetGroups = offsetGroups
  }

  /// Rows of the columns of one group.
  public var rows: Int { geometry.inputChannels / max(1, geometry.groups) * geometry.kernel.count }

  /// Positions of the output whose columns are made at once, so that they stay in the cache.
  public var tile: Int { max(1, min(geometry.output.count, (1 << 18) / max(1, rows))) }

  /// Fills `rows` × `positions.count` columns of one group.
  ///
  /// - Parameters:
  ///   - x: one entry of the batch, as are `offsets` and `mask`.
  public func fill<T: Real>(
    _ x: UnsafePointer<T>, offsets: UnsafePointer<T>, mask: UnsafePointer<T>?, group: Int, positions: Range<Int>,
    _ columns: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    let (window, output) = (geometry.kernel.count, geometry.output.count)
    let perGroup = geometry.inputChannels / geometry.groups
    let perOffset = geometry.inputChannels / offsetGroups
    workers.forEachRange(of: rows, grain: max(1, 2048 / max(1, positions.count))) { range in
      for row in range {
        let (channel, place) = (group * perGroup + row / window, row % window)
        let plane = x + channel * geometry.input.count
        let bend = channel / perOffset * window + place
        let (down, across) = (offsets + 2 * bend * output, offsets + (2 * bend + 1) * output)
        let (top, left) = (
          place / geometry.kernel.width * geometry.dilations.height - geometry.padding.height,
          place % geometry.kernel.width * geometry.dilations.width - geometry.padding.width
        )
        for position in positions {
          let (row0, column0) = (
            position / geometry.output.width * geometry.strides.height + top,
            position % geometry.output.width * geometry.strides.width + left
          )
          let value = sample(plane, Double(row0) + Double(down[position]), Double(column0) + Double(across[position]))
          let factor = mask.map { Double($0[bend * output + position]) } ?? 1
          columns[row * positions.count + position - positions.lowerBound] = T(value * factor)
        }
      }
    }
  }

  /// Between four elements; those outside count as zero.
  private func sample<T: Real>(_ plane: UnsafePointer<T>, _ y: Double, _ x: Double) -> Double {
    let (height, width) = (geometry.input.height, geometry.input.width)
    guard y > -1, y < Double(height), x > -1, x < Double(width) else { return 0 }
    let (top, left) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
    let (down, across) = (y - Double(top), x - Double(left))
    func element(_ row: Int, _ column: Int) -> Double {
      row >= 0 && row < height && column >= 0 && column < width ? Double(plane[row * width + column]) : 0
    }
    return (1 - down) * ((1 - across) * element(top, left) + across * element(top, left + 1))
      + down * ((1 - across) * element(top + 1, left) + across * element(top + 1, left + 1))
  }
}
