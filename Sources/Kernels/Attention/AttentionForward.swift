/// softmax(scale·Q·Kᵀ + biases)·V over heads that are read and written in place, whatever their layout.
public enum Attention {
  /// How many pieces of work share the memory for scores.
  private static let pieces = 16

  /// Bytes of scratch memory ``forward`` needs.
  public static func forwardScratchBytes(_ sizes: AttentionSizes, elementBytes: Int) -> Int {
    let units = sizes.batch * sizes.heads * sizes.tiles
    return min(pieces, max(1, units)) * sizes.tile * sizes.keys * elementBytes
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func forward<T: Real>(
    _ sizes: AttentionSizes, query: HeadRows<T>, key: HeadRows<T>, value: HeadRows<T>, rule: ScoreRule<T>,
    output: MutableHeadRows<T>, scoreOutput: ScoreOutput<T>? = nil, scratch: UnsafeMutablePointer<T>,
    product: MatrixProduct, workers: Workers
  ) {
    let units = sizes.batch * sizes.heads * sizes.tiles
    let grain = max(1, (units + pieces - 1) / pieces)
    workers.forEachRange(of: units, grain: grain) { range in
      let scores = scratch + range.lowerBound / grain * sizes.tile * sizes.keys
      for unit in range {
        let tile = Tile(unit, sizes)
        weigh(tile, sizes, query, key, rule, scores, scoreOutput, product)
        let keys = tile.reach(sizes, rule.visible)
        product(
          rows: tile.rows.count, columns: sizes.valueWidth, inner: keys,
          MatrixProduct.Operand(UnsafePointer(scores), leading: sizes.keys),
          value.operand(tile.sample, sizes.group(of: tile.head)),
          output.row(tile.sample, tile.head, tile.rows.lowerBound), leading: output.strides.row)
      }
    }
  }

  /// Some rows of queries of one head.
  struct Tile {
    let sample: Int
    let head: Int
    let rows: Range<Int>

    init(_ unit: Int, _ sizes: AttentionSizes) {
      let start = unit % sizes.tiles * sizes.tile
      rows = start..<min(sizes.queries, start + sizes.tile)
      head = unit / sizes.tiles % sizes.heads
      sample = unit / sizes.tiles / sizes.heads
    }

    /// How many keys, from the first one on, any row of the tile sees.
    func reach(_ sizes: AttentionSizes, _ visible: VisibleKeys) -> Int {
      rows.isEmpty ? 0 : min(sizes.keys, visible.range(sample, row: rows.upperBound - 1).upperBound)
    }
  }

  /// Makes a tile's weights, a row of `sizes.keys` for each query; those past the tile's reach are not written.
  static func weigh<T: Real>(
    _ tile: Tile, _ sizes: AttentionSizes, _ query: HeadRows<T>, _ key: HeadRows<T>, _ rule: ScoreRule<T>,
    _ scores: UnsafeMutablePointer<T>, _ scoreOutput: ScoreOutput<T>?, _ product: MatrixProduct
  ) {
    let reach = scoreOutput == nil ? tile.reach(sizes, rule.visible) : sizes.keys
    product(
      rows: tile.rows.count, columns: reach, inner: sizes.width, alpha: rule.scale,
      query.operand(tile.sample, tile.head, tile.rows.lowerBound),
      key.operand(tile.sample, sizes.group(of: tile.head), isTransposed: true), scores, leading: sizes.keys)
    for row in tile.rows {
      let place = scores + (row - tile.rows.lowerBound) * sizes.keys
      let shown = scoreOutput.map {
        ($0.elements + ((tile.sample * sizes.heads + tile.head) * sizes.queries + row) * sizes.keys, $0.step)
      }
      finish(place, reach, tile, row, rule, shown)
    }
  }

  private static func finish<T: Real>(
    _ row: UnsafeMutablePointer<T>, _ reach: Int, _ tile: Tile, _ index: Int, _ rule: ScoreRule<T>,
    _ shown: (UnsafeMutablePointer<T>, ScoreOutput<T>.Step)?
  ) {
    func show(_ step: ScoreOutput<T>.Step) {
      if let shown, shown.1 == step { shown.0.update(from: row, count: reach) }
    }
    let seen = rule.visible.range(tile.sample, row: index).clamped(to: 0..<reach)
    show(.products)
    if rule.cap != 0, rule.capsFirst { AttentionMath.cap(row, reach, at: rule.cap) }
    if rule.capsFirst { show(.capped) }
    for bias in rule.biases {
      add(bias, row, reach, bias.strides.offset(tile.sample, tile.head, index))
    }
    if shown != nil {
      for column in 0..<reach where !seen.contains(column) { row[column] = -.infinity }
    }
    show(.biased)
    if !rule.capsFirst {
      if rule.cap != 0 { AttentionMath.cap(row, reach, at: rule.cap) }
      show(.capped)
    }
    AttentionMath.softmax(row + seen.lowerBound, seen.count, sink: rule.sinks.map { $0[tile.head] })
    row.update(repeating: 0, count: seen.lowerBound)
    (row + seen.upperBound).update(repeating: 0, count: reach - seen.upperBound)
    show(.weights)
  }

  private static func add<T: Real>(
    _ bias: ScoreBias<T>, _ row: UnsafeMutablePointer<T>, _ reach: Int, _ offset: Int
  ) {
    let from = bias.elements + offset
    let count = min(reach, bias.columns)
    if bias.column == 0 {
      for column in 0..<count { row[column] += from[0] }
    } else {
      for column in 0..<count { row[column] += from[column] }
    }
  }
}
