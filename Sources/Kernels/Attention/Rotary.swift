/// Rotation of pairs of numbers within heads by angles that depend on positions.
public enum Rotary {
  /// What a rotation looks up, and which numbers make a pair.
  public struct Table<T: Real> {
    public let cosines: UnsafePointer<T>
    public let sines: UnsafePointer<T>
    /// Elements between the angles of neighbouring positions.
    public let stride: Int
    /// How much of a head's width, from its start, is rotated.
    public let rotated: Int
    /// Whether pairs are neighbours; otherwise a number of the first half and one of the second.
    public let isInterleaved: Bool

    public init(
      cosines: UnsafePointer<T>, sines: UnsafePointer<T>, stride: Int, rotated: Int, isInterleaved: Bool
    ) {
      (self.cosines, self.sines, self.stride) = (cosines, sines, stride)
      (self.rotated, self.isInterleaved) = (rotated, isInterleaved)
    }
  }

  /// Rotates all heads; `positions` holds an index into the table for each sample and row. Source and target may be the
  /// same rows.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func rotate<T: Real>(
    _ source: HeadRows<T>, to target: MutableHeadRows<T>, batch: Int, heads: Int, rows: Int, width: Int,
    positions: [Int], table: Table<T>, workers: Workers
  ) {
    let grain = max(1, 16_384 / max(1, heads * width))
    workers.forEachRange(of: batch * rows, grain: grain) { range in
      for unit in range {
        let (sample, row) = (unit / rows, unit % rows)
        for head in 0..<heads {
          rotate(
            source.elements + source.strides.offset(sample, head, row), target.row(sample, head, row), width,
            table.cosines + positions[unit] * table.stride, table.sines + positions[unit] * table.stride, table)
        }
      }
    }
  }

  private static func rotate<T: Real>(
    _ from: UnsafePointer<T>, _ into: UnsafeMutablePointer<T>, _ width: Int, _ cosines: UnsafePointer<T>,
    _ sines: UnsafePointer<T>, _ table: Table<T>
  ) {
    let half = table.rotated / 2
    if table.isInterleaved {
      for pair in 0..<half {
        let (a, b) = (from[2 * pair], from[2 * pair + 1])
        into[2 * pair] = a * cosines[pair] - b * sines[pair]
        into[2 * pair + 1] = b * cosines[pair] + a * sines[pair]
      }
    } else {
      for pair in 0..<half {
        let (a, b) = (from[pair], from[pair + half])
        into[pair] = a * cosines[pair] - b * sines[pair]
        into[pair + half] = b * cosines[pair] + a * sines[pair]
      }
    }
    if into != UnsafeMutablePointer(mutating: from), table.rotated < width {
      (into + table.rotated).update(from: from + table.rotated, count: width - table.rotated)
    }
  }
}
