/// Copies of heads into another layout, on the way into a cache or with a bias.
public enum HeadCopies {
  /// Copies rows, adding `bias` where there is one: `width` numbers for each head.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func copy<T: Real>(
    _ source: HeadRows<T>, to target: MutableHeadRows<T>, batch: Int, heads: Int, rows: Int, width: Int,
    bias: UnsafePointer<T>? = nil, workers: Workers
  ) {
    let grain = max(1, 32_768 / max(1, rows * width))
    workers.forEachRange(of: batch * heads, grain: grain) { range in
      for unit in range {
        let (sample, head) = (unit / heads, unit % heads)
        for row in 0..<rows {
          let from = source.elements + source.strides.offset(sample, head, row)
          let into = target.row(sample, head, row)
          if let bias {
            let own = bias + head * width
            for index in 0..<width { into[index] = from[index] + own[index] }
          } else {
            into.update(from: from, count: width)
          }
        }
      }
    }
  }

  /// Copies rows of each sample to a place of its own: row `r` of sample `s` goes to row `starts[s] + r`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func copy<T: Real>(
    _ source: HeadRows<T>, to target: MutableHeadRows<T>, starts: [Int], heads: Int, counts: [Int], width: Int
  ) {
    for sample in starts.indices {
      for head in 0..<heads {
        for row in 0..<counts[sample] {
          target.row(sample, head, starts[sample] + row)
            .update(from: source.elements + source.strides.offset(sample, head, row), count: width)
        }
      }
    }
  }
}
