/// Products of a small matrix with a wide one, sixteen columns at a time, with what follows them applied in registers.
///
/// OpenBLAS packs both operands and adds to what it has zeroed before, which is most of the time where one side is
/// small. Here a panel of sixteen columns, two registers of 256 bits, is copied once and stays in the first cache while
/// all rows are computed; with registers of 512 bits it has thirty-two. What is left of the columns at the end takes
/// narrower panels, or a sum of products each where it is one or two.
struct PanelProduct {
  private typealias Vector = SIMD16<Float>

  /// Columns of the widest panel there can be.
  private static let width = 32

  /// Whether a matrix of weights is small enough to be read again for each panel: a quarter of a second cache.
  static func suits(rows: Int, inner: Int) -> Bool { rows * inner <= 1 << 16 }

  /// Rows of a panel: as many as the first cache holds beside the weights, of those that are about as long. Longer sums
  /// are made in parts.
  private static func depth(inner: Int, isWide: Bool) -> Int {
    let deepest = isWide ? 256 : 384
    let parts = max(1, (inner + deepest - 1) / deepest)
    return (inner + parts - 1) / parts
  }

  private static func panelCount(inner: Int) -> Int {
    Scratch.rounded(max(depth(inner: inner, isWide: true) * width, depth(inner: inner, isWide: false) * 16, inner))
  }

  /// Elements of the panel, of a line for what is not as wide as a vector, and of the sums of parts.
  static func scratchCount(rows: Int, inner: Int) -> Int { panelCount(inner: inner) + (rows + 1) * width }

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
    var low = -Float.infinity
    var high = Float.infinity
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
  /// Whether panels of thirty-two columns are used.
  let isWide: Bool

  /// The memory of a run: a panel, then a line, then sums of parts.
  private struct Memory {
    let panel: UnsafeMutablePointer<Float>
    let line: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>

    init(_ start: UnsafeMutablePointer<Float>, inner: Int) {
      panel = start
      line = start + PanelProduct.panelCount(inner: inner)
      sums = line + PanelProduct.width
    }
  }

  /// A panel of some columns, and the part of its rows that is multiplied.
  private struct Part {
    let column: Int
    let count: Int
    let range: Range<Int>
    let isFirst: Bool
    let isLast: Bool
  }

  /// - Parameter scratch: memory for ``scratchCount(rows:inner:)`` elements, on a cache line.
  func callAsFunction(scratch: UnsafeMutablePointer<Float>) {
    let memory = Memory(scratch, inner: inner)
    var column = 0
    while column < columns {
      let rest = columns - column
      // A panel that is three quarters full is faster than two narrower ones.
      switch rest {
      case 23... where isWide:
        multiply(WidePanelVector.self, column, min(32, rest), memory)
        column += 32
      case 11...:
        multiply(Vector.self, column, min(16, rest), memory)
        column += 16
      case 3...:
        multiply(SIMD8<Float>.self, column, min(8, rest), memory)
        column += 8
      case 1... where weights.innerStep == 1:
        multiply(column, memory)
        column += 1
      default:
        multiply(SIMD8<Float>.self, column, rest, memory)
        column += rest
      }
    }
  }

  /// Computes a panel as wide as a vector.
  @inline(__always)
  private func multiply<V: PanelVector>(_: V.Type, _ column: Int, _ count: Int, _ memory: Memory) {
    let depth = Self.depth(inner: inner, isWide: isWide)
    var start = 0
    repeat {
      let end = min(inner, start + depth)
      let part = Part(column: column, count: count, range: start..<end, isFirst: start == 0, isLast: end == inner)
      pack(V.self, part, memory.panel)
      multiply(V.self, part, memory)
      start = end
    } while start < inner
  }

  @inline(__always)
  private func pack<V: PanelVector>(_: V.Type, _ part: Part, _ panel: UnsafeMutablePointer<Float>) {
    var from = source + (part.range.lowerBound * sourceLeading + part.column)
    var to = panel
    guard part.count < V.width else {
      for _ in part.range {
        V.load(from).store(to)
        from += sourceLeading
        to += V.width
      }
      return
    }
    panel.update(repeating: 0, count: part.range.count * V.width)
    for _ in part.range {
      Self.copy(from, to, part.count)
      from += sourceLeading
      to += V.width
    }
  }

  @inline(__always)
  private static func copy(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ count: Int) {
    for index in 0..<count { target[index] = source[index] }
  }

  @inline(__always)
  private func multiply<V: PanelVector>(_: V.Type, _ part: Part, _ memory: Memory) {
    var row = 0
    while row < rows {
      let rest = rows - row
      if rest >= 6 {
        tile(V.self, 6, row, part, memory)
        row += 6
      } else if rest >= 4 {
        tile(V.self, 4, row, part, memory)
        row += 4
      } else if rest >= 2 {
        tile(V.self, 2, row, part, memory)
        row += 2
      } else {
        tile(V.self, 1, row, part, memory)
        row += 1
      }
    }
  }

  /// Computes up to six rows of a part. `height` is a number where this is called.
  @inline(__always)
  private func tile<V: PanelVector>(_: V.Type, _ height: Int, _ row: Int, _ part: Part, _ memory: Memory) {
    var a = start(V.self, row, height, 0, part, memory)
    var b = start(V.self, row, height, 1, part, memory)
    var c = start(V.self, row, height, 2, part, memory)
    var d = start(V.self, row, height, 3, part, memory)
    var e = start(V.self, row, height, 4, part, memory)
    var f = start(V.self, row, height, 5, part, memory)
    let step = weights.rowStep
    var weight = weights.elements + (row &* step &+ part.range.lowerBound &* weights.innerStep)
    var line = UnsafePointer(memory.panel)
    for _ in part.range {
      let x = V.load(line)
      a = a.adding(x, times: weight[0])
      if height > 1 { b = b.adding(x, times: weight[step]) }
      if height > 2 {
        c = c.adding(x, times: weight[2 &* step])
        d = d.adding(x, times: weight[3 &* step])
      }
      if height > 4 {
        e = e.adding(x, times: weight[4 &* step])
        f = f.adding(x, times: weight[5 &* step])
      }
      weight += weights.innerStep
      line += V.width
    }
    end(a, row, part, memory)
    if height > 1 { end(b, row + 1, part, memory) }
    if height > 2 {
      end(c, row + 2, part, memory)
      end(d, row + 3, part, memory)
    }
    if height > 4 {
      end(e, row + 4, part, memory)
      end(f, row + 5, part, memory)
    }
  }

  /// What a row's sum begins with: the bias, or the sum of the parts before.
  @inline(__always)
  private func start<V: PanelVector>(
    _: V.Type, _ row: Int, _ height: Int, _ index: Int, _ part: Part, _ memory: Memory
  ) -> V {
    guard index < height else { return V(repeating: 0) }
    if !part.isFirst { return V.load(memory.sums + (row &+ index) &* Self.width) }
    return V(repeating: bias(row &+ index))
  }

  @inline(__always)
  private func end<V: PanelVector>(_ sum: V, _ row: Int, _ part: Part, _ memory: Memory) {
    guard part.isLast else { return sum.store(memory.sums + row &* Self.width) }
    let offset = row &* leading &+ part.column
    if part.count == V.width {
      let residual = finish.residual.map { UnsafePointer($0 + offset) }
      return sum.finished(residual, low: finish.low, high: finish.high).store(target + offset)
    }
    sum.store(memory.line)
    for index in 0..<part.count { store(memory.line[index], offset + index) }
  }

  /// Computes a single column.
  private func multiply(_ column: Int, _ memory: Memory) {
    var from = source + column
    for index in 0..<inner {
      memory.panel[index] = from.pointee
      from += sourceLeading
    }
    var row = 0
    while row + 4 <= rows {
      dots(4, row, column, memory.panel)
      row += 4
    }
    while row < rows {
      dots(1, row, column, memory.panel)
      row += 1
    }
  }

  /// Computes up to four rows of a single column. `height` is a number where this is called.
  @inline(__always)
  private func dots(_ height: Int, _ row: Int, _ column: Int, _ line: UnsafePointer<Float>) {
    let step = weights.rowStep
    let weight = weights.elements + row * step
    var (a, b, c, d) = (Vector(), Vector(), Vector(), Vector())
    var index = 0
    while index + Vector.scalarCount <= inner {
      let x = Vector.load(line + index)
      a = a.adding(x, times: Vector.load(weight + index))
      if height > 1 {
        b = b.adding(x, times: Vector.load(weight + (step &+ index)))
        c = c.adding(x, times: Vector.load(weight + (2 &* step &+ index)))
        d = d.adding(x, times: Vector.load(weight + (3 &* step &+ index)))
      }
      index += Vector.scalarCount
    }
    dot(a, weight, row, column, line, from: index)
    if height > 1 {
      dot(b, weight + step, row + 1, column, line, from: index)
      dot(c, weight + 2 * step, row + 2, column, line, from: index)
      dot(d, weight + 3 * step, row + 3, column, line, from: index)
    }
  }

  @inline(__always)
  private func dot(
    _ sums: Vector, _ weight: UnsafePointer<Float>, _ row: Int, _ column: Int, _ line: UnsafePointer<Float>,
    from start: Int
  ) {
    var sum = sums.sum()
    for index in start..<inner { sum += line[index] * weight[index] }
    store(sum + bias(row), row * leading + column)
  }

  @inline(__always)
  private func store(_ sum: Float, _ offset: Int) {
    var value = sum
    if let residual = finish.residual { value += residual[offset] }
    // Comparisons that keep NaN.
    if value < finish.low { value = finish.low }
    if value > finish.high { value = finish.high }
    target[offset] = value
  }

  @inline(__always)
  private func bias(_ row: Int) -> Float { finish.bias.map { $0[row] } ?? 0 }
}
