extension Attention {
  /// Bytes of scratch memory ``backward`` needs.
  public static func backwardScratchBytes(_ sizes: AttentionSizes, elementBytes: Int) -> Int {
    sizes.batch * sizes.groups * 2 * sizes.tile * sizes.keys * elementBytes
  }

  /// Gradients of queries, keys and values from the output's. Weights P are made anew, tile by tile:
  ///
  /// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − Σⱼ P∘dP), dQ = scale·dS·K, dK = scale·dSᵀ·Q.
  ///
  /// Rules with a cap have another dS and are not for this function.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func backward<T: Real>(
    _ sizes: AttentionSizes, query: HeadRows<T>, key: HeadRows<T>, value: HeadRows<T>, rule: ScoreRule<T>,
    outputGradient: HeadRows<T>, queryGradient: MutableHeadRows<T>, keyGradient: MutableHeadRows<T>,
    valueGradient: MutableHeadRows<T>, scratch: UnsafeMutablePointer<T>, product: MatrixProduct, workers: Workers
  ) {
    // All heads of a group add to the same keys and values, one after the other.
    workers.forEach(sizes.batch * sizes.groups) { unit in
      let (sample, group) = (unit / sizes.groups, unit % sizes.groups)
      let weights = scratch + unit * 2 * sizes.tile * sizes.keys
      clear(keyGradient, sample, group, rows: sizes.keys, width: sizes.width)
      clear(valueGradient, sample, group, rows: sizes.keys, width: sizes.valueWidth)
      let repeats = sizes.heads / sizes.groups
      for head in (group * repeats)..<((group + 1) * repeats) {
        for index in 0..<sizes.tiles {
          let tile = Tile((sample * sizes.heads + head) * sizes.tiles + index, sizes)
          weigh(tile, sizes, query, key, rule, weights, nil, product)
          lead(
            tile, sizes, rule, weights, (query, key, value), outputGradient,
            (queryGradient, keyGradient, valueGradient), product)
        }
      }
    }
  }

  private static func clear<T: Real>(
    _ rows: MutableHeadRows<T>, _ sample: Int, _ head: Int, rows count: Int, width: Int
  ) {
    for row in 0..<count { rows.row(sample, head, row).update(repeating: 0, count: width) }
  }

  /// Leads the gradient of a tile's output to its queries, and adds it to keys and values.
  private static func lead<T: Real>(
    _ tile: Tile, _ sizes: AttentionSizes, _ rule: ScoreRule<T>, _ weights: UnsafeMutablePointer<T>,
    _ operands: (query: HeadRows<T>, key: HeadRows<T>, value: HeadRows<T>), _ outputGradient: HeadRows<T>,
    _ gradients: (query: MutableHeadRows<T>, key: MutableHeadRows<T>, value: MutableHeadRows<T>),
    _ product: MatrixProduct
  ) {
    let (reach, group, rows) = (tile.reach(sizes, rule.visible), sizes.group(of: tile.head), tile.rows.count)
    let scores = weights + sizes.tile * sizes.keys
    let above = outputGradient.operand(tile.sample, tile.head, tile.rows.lowerBound)
    product(
      rows: reach, columns: sizes.valueWidth, inner: rows,
      MatrixProduct.Operand(UnsafePointer(weights), leading: sizes.keys, isTransposed: true), above, beta: 1,
      gradients.value.row(tile.sample, group), leading: gradients.value.strides.row)
    product(
      rows: rows, columns: reach, inner: sizes.valueWidth, above,
      operands.value.operand(tile.sample, group, isTransposed: true), scores, leading: sizes.keys)
    for row in 0..<rows {
      scoreGradient(weights + row * sizes.keys, scores + row * sizes.keys, reach)
    }
    product(
      rows: rows, columns: sizes.width, inner: reach, alpha: rule.scale,
      MatrixProduct.Operand(UnsafePointer(scores), leading: sizes.keys), operands.key.operand(tile.sample, group),
      gradients.query.row(tile.sample, tile.head, tile.rows.lowerBound), leading: gradients.query.strides.row)
    product(
      rows: reach, columns: sizes.width, inner: rows, alpha: rule.scale,
      MatrixProduct.Operand(UnsafePointer(scores), leading: sizes.keys, isTransposed: true),
      operands.query.operand(tile.sample, tile.head, tile.rows.lowerBound), beta: 1,
      gradients.key.row(tile.sample, group), leading: gradients.key.strides.row)
  }

  /// dS = P∘(dP − Σⱼ P∘dP), over dP.
  private static func scoreGradient<T: Real>(
    _ weights: UnsafeMutablePointer<T>, _ gradient: UnsafeMutablePointer<T>, _ count: Int
  ) {
    let mean = AttentionMath.dot(UnsafePointer(weights), UnsafePointer(gradient), count)
    for index in 0..<count { gradient[index] = weights[index] * (gradient[index] - mean) }
  }
}
