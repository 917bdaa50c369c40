import COpenBLAS

/// Products of a small matrix with a wide one, sixteen columns at a time, with what follows them applied in registers.
///
/// OpenBLAS packs both operands and adds to what it has zeroed before, which is most of the time where one side is
/// small. Here a panel of sixteen columns is copied once and stays in the first cache while all rows are computed.
struct PanelProduct {
  typealias Vector = SIMD16<Float>

  /// Columns of a panel.
  static let width = 16

  /// Whether a matrix of weights is small enough to be read again for each panel: a quarter of a second cache.
  static func suits(rows: Int, inner: Int) -> Bool { rows * inner <= 1 << 16 }

  /// Elements of the panel and of a line for what is not as wide as a vector.
  static func scratchCount(inner: Int) -> Int { (inner + 1) * width }

  /// A weight: element (r, k) lies at `r · rowStep + k · innerStep`.
  struct Weights {
    let elements: UnsafePointer<Float>
    let rowStep: Int
    let innerStep: Int

    init(_ operand: MatrixProduct.Operand<Float>) {
      elements = operand.elements
      rowStep = operand.isTransposed ? 1 : operand.leading
      innerStep = operand.isTransposed ? operand.leading : 1
    }
  }

  /// What follows the product: pointers to the first row's bias and the first element's residual, and bounds.
  struct Finish {
    var bias: UnsafePointer<Float>?
    var residual: UnsafePointer<Float>?
    var lows = Vector(repeating: -Float.infinity)
    var highs = Vector(repeating: Float.infinity)
  }

  let rows: Int
  let columns: Int
  let inner: Int
  let weights: Weights
  /// Of `columns` columns, `sourceLeading` elements between rows.
  let source: UnsafePointer<Float>
  let sourceLeading: Int
  /// `leading` elements between rows, also those of the residual.
  let target: UnsafeMutablePointer<Float>
  let leading: Int
  let finish: Finish

  /// - Parameter panel: scratch memory, on a cache line.
  func callAsFunction(panel: UnsafeMutablePointer<Float>) {
    var column = 0
    while column < columns {
      let count = min(Self.width, columns - column)
      pack(column, count, panel)
      multiply(column, count, panel)
      column += Self.width
    }
  }

  @inline(__always)
  private func pack(_ column: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) {
    var from = source + column
    var to = panel
    guard count < Self.width else {
      for _ in 0..<inner {
        VectorLoops.store(VectorLoops.load(from), to)
        from += sourceLeading
        to += Self.width
      }
      return
    }
    panel.update(repeating: 0, count: Self.scratchCount(inner: inner))
    for _ in 0..<inner {
      Self.copy(from, to, count)
      from += sourceLeading
      to += Self.width
    }
  }

  @inline(__always)
  private static func copy(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ count: Int) {
    for index in 0..<count { target[index] = source[index] }
  }

  @inline(__always)
  private func multiply(_ column: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) {
    var row = 0
    while row < rows {
      let rest = rows - row
      if rest >= 6 {
        tile(6, row, column, count, panel)
        row += 6
      } else if rest >= 4 {
        tile(4, row, column, count, panel)
        row += 4
      } else if rest >= 2 {
        tile(2, row, column, count, panel)
        row += 2
      } else {
        tile(1, row, column, count, panel)
        row += 1
      }
    }
  }

  /// Computes up to six rows of a panel. `height` is a number where this is called.
  @inline(__always)
  private func tile(_ height: Int, _ row: Int, _ column: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) {
    var a = Vector(repeating: bias(row, height, 0))
    var b = Vector(repeating: bias(row, height, 1))
    var c = Vector(repeating: bias(row, height, 2))
    var d = Vector(repeating: bias(row, height, 3))
    var e = Vector(repeating: bias(row, height, 4))
    var f = Vector(repeating: bias(row, height, 5))
    let step = weights.rowStep
    var weight = weights.elements + row * step
    var line = panel
    for _ in 0..<inner {
      let x = VectorLoops.load(line)
      a = Self.sum(a, x, weight[0])
      if height > 1 { b = Self.sum(b, x, weight[step]) }
      if height > 2 {
        c = Self.sum(c, x, weight[2 &* step])
        d = Self.sum(d, x, weight[3 &* step])
      }
      if height > 4 {
        e = Self.sum(e, x, weight[4 &* step])
        f = Self.sum(f, x, weight[5 &* step])
      }
      weight += weights.innerStep
      line += Self.width
    }
    store(a, row, column, count, line)
    if height > 1 { store(b, row + 1, column, count, line) }
    if height > 2 {
      store(c, row + 2, column, count, line)
      store(d, row + 3, column, count, line)
    }
    if height > 4 {
      store(e, row + 4, column, count, line)
      store(f, row + 5, column, count, line)
    }
  }

  @inline(__always)
  private func bias(_ row: Int, _ height: Int, _ index: Int) -> Float {
    guard index < height, let bias = finish.bias else { return 0 }
    return bias[row &+ index]
  }

  /// sum + x · weight
  @inline(__always)
  private static func sum(_ sum: Vector, _ x: Vector, _ weight: Float) -> Vector {
    let factor = Vector(repeating: weight)
    return COPPICE_FUSES_MULTIPLY_ADD == 1 ? sum.addingProduct(x, factor) : sum + x * factor
  }

  /// - Parameter line: where the panel's lines end.
  @inline(__always)
  private func store(_ sum: Vector, _ row: Int, _ column: Int, _ count: Int, _ line: UnsafeMutablePointer<Float>) {
    let offset = row &* leading &+ column
    guard count < Self.width else {
      VectorLoops.store(finished(sum, finish.residual.map { $0 + offset }), target + offset)
      return
    }
    if let residual = finish.residual { Self.copy(residual + offset, line, count) }
    VectorLoops.store(finished(sum, finish.residual == nil ? nil : UnsafePointer(line)), line)
    Self.copy(line, target + offset, count)
  }

  @inline(__always)
  private func finished(_ sum: Vector, _ residual: UnsafePointer<Float>?) -> Vector {
    var value = sum
    if let residual { value += VectorLoops.load(residual) }
    // Comparisons that keep NaN.
    value = value.replacing(with: finish.lows, where: value .< finish.lows)
    return value.replacing(with: finish.highs, where: value .> finish.highs)
  }
}
