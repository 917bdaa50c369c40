import Glibc

/// Which elements of a tensor come together in which result, axes worked out to a few, and how the work is divided.
public struct Reduction: Sendable {
  public enum Kind: Sendable { case sum, absoluteSum, squareSum, maximum, minimum, product }

  /// What is done to a result in the end.
  public enum Finish: Sendable { case none, scale(Double), squareRoot, logarithm }

  /// Kept and reduced axes but the innermost one; elements lie `strides` apart.
  private struct Axes: Sendable {
    var sizes: [Int] = []
    var strides: [Int] = []

    var count: Int { sizes.reduce(1, *) }

    func offset(_ index: Int) -> Int {
      if sizes.count == 1 { return index * strides[0] }
      var (rest, offset) = (index, 0)
      for axis in stride(from: sizes.count - 1, through: 0, by: -1) {
        offset += rest % sizes[axis] * strides[axis]
        rest /= sizes[axis]
      }
      return offset
    }
  }

  private var kept = Axes()
  private var reduced = Axes()
  /// The innermost axis: whether it is reduced, and its size.
  private var innerIsReduced = false
  private var inner = 1
  private var keptCount = 1
  private var reducedCount = 1
  /// Parts the reduction of every result is cut into where there are too few results for the threads.
  private var parts = 1

  /// The number of results, and of elements in each.
  public var outputCount: Int { keptCount * (innerIsReduced ? 1 : inner) }
  public var reducedElements: Int { reducedCount * (innerIsReduced ? inner : 1) }

  public init(shape: [Int], reducing axes: Set<Int>) {
    var groups: [(size: Int, isReduced: Bool)] = []
    for axis in shape.indices where shape[axis] != 1 {
      if let last = groups.last, last.isReduced == axes.contains(axis) {
        groups[groups.count - 1].size *= shape[axis]
      } else {
        groups.append((shape[axis], axes.contains(axis)))
      }
    }
    if let last = groups.popLast() { (inner, innerIsReduced) = (last.size, last.isReduced) }
    var stride = inner
    for group in groups.reversed() {
      if group.isReduced {
        reduced.sizes.insert(group.size, at: 0)
        reduced.strides.insert(stride, at: 0)
      } else {
        kept.sizes.insert(group.size, at: 0)
        kept.strides.insert(stride, at: 0)
      }
      stride *= group.size
    }
    keptCount = kept.count
    reducedCount = reduced.count
    parts = divided()
  }

  private static let grain = 32768

  private func divided() -> Int {
    guard keptCount < 8, innerIsReduced || inner < 16384 else { return 1 }
    let whole = reducedCount > 1 ? reducedCount : innerIsReduced ? inner / 1024 : 1
    return max(1, min(16, whole, keptCount * reducedCount * inner / Self.grain))
  }

  /// Elements of scratch memory a run needs.
  public var scratchCount: Int { parts > 1 ? parts * outputCount : 0 }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ kind: Kind, finish: Finish, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    scratch: UnsafeMutablePointer<T>, workers: Workers
  ) {
    if parts > 1 {
      runParts(kind, x, y, scratch, workers)
    } else if !innerIsReduced, keptCount < 8 {
      for index in 0..<keptCount {
        workers.forEachRange(of: inner, grain: max(1024, Self.grain / max(1, reducedCount))) { columns in
          part(kind, x, y + index * inner, index, 0..<reducedCount, columns)
        }
      }
    } else {
      let grain = max(1, Self.grain / max(1, reducedCount * inner))
      let step = innerIsReduced ? 1 : inner
      workers.forEachRange(of: keptCount, grain: grain) { range in
        for index in range { part(kind, x, y + index * step, index, 0..<reducedCount, 0..<inner) }
      }
    }
    apply(finish, y, workers)
  }

  private func runParts<T: Real>(
    _ kind: Kind, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ scratch: UnsafeMutablePointer<T>,
    _ workers: Workers
  ) {
    let outputs = outputCount
    let step = innerIsReduced ? 1 : inner
    let splitsRows = reducedCount > 1
    workers.forEach(parts) { piece in
      let whole = splitsRows ? reducedCount : inner
      let range = whole * piece / parts..<whole * (piece + 1) / parts
      for index in 0..<keptCount {
        part(
          kind, x, scratch + piece * outputs + index * step, index, splitsRows ? range : 0..<reducedCount,
          splitsRows ? 0..<inner : range)
      }
    }
    y.update(from: scratch, count: outputs)
    // What was prepared once must not be prepared again: sums of magnitudes and squares are plain sums from here on.
    let combination: Kind = kind == .absoluteSum || kind == .squareSum ? .sum : kind
    ReduceLoops.columns(combination, scratch + outputs, rows: parts - 1, step: outputs, y, outputs)
  }

  /// Reduces a range of rows, and of the innermost axis where that is what is cut, for one kept index.
  private func part<T: Real>(
    _ kind: Kind, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ index: Int, _ rows: Range<Int>,
    _ columns: Range<Int>
  ) {
    let start: T = kind == .maximum ? -.infinity : kind == .minimum ? .infinity : kind == .product ? 1 : 0
    let base = x + kept.offset(index) + columns.lowerBound
    guard innerIsReduced else { return rowsPart(kind, base, y + columns.lowerBound, rows, columns.count, start) }
    var result = start
    for row in rows {
      let value = ReduceLoops.row(kind, base + reduced.offset(row), columns.count)
      switch kind {
      case .sum, .absoluteSum, .squareSum: result += value
      case .maximum: result = ReduceLoops.greater(result, value)
      case .minimum: result = ReduceLoops.lesser(result, value)
      case .product: result *= value
      }
    }
    y[0] = result
  }

  /// Rows upon rows, in stretches whose results stay in the nearest cache.
  private func rowsPart<T: Real>(
    _ kind: Kind, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ rows: Range<Int>, _ count: Int, _ start: T
  ) {
    y.update(repeating: start, count: count)
    // Neighbours along the innermost reduced axis lie evenly apart.
    let run = reduced.sizes.last ?? 1
    let step = reduced.strides.last ?? 0
    var column = 0
    while column < count {
      let width = min(2048, count - column)
      var row = rows.lowerBound
      while row < rows.upperBound {
        let length = min(run - row % run, rows.upperBound - row)
        ReduceLoops.columns(kind, x + reduced.offset(row) + column, rows: length, step: step, y + column, width)
        row += length
      }
      column += width
    }
  }

  private func apply<T: Real>(_ finish: Finish, _ y: UnsafeMutablePointer<T>, _ workers: Workers) {
    let map: UnaryMap
    switch finish {
    case .none: return
    case .scale(let factor): map = UnaryMap(.scale, alpha: factor)
    case .squareRoot: map = UnaryMap(.sqrt)
    case .logarithm: map = UnaryMap(.log)
    }
    workers.forEachRange(of: outputCount, grain: Self.grain) { range in
      map(UnsafePointer(y) + range.lowerBound, y + range.lowerBound, count: range.count)
    }
  }

  /// Reduces elements of any kind one by one.
  public func fold<T: BitwiseCopyable, R>(
    _ x: UnsafePointer<T>, from start: R, _ step: (R, T) -> R, result: (_ output: Int, R) -> Void
  ) {
    for output in 0..<outputCount {
      let base = innerIsReduced ? kept.offset(output) : kept.offset(output / inner) + output % inner
      var value = start
      for row in 0..<reducedCount {
        let row = x + base + reduced.offset(row)
        for index in 0..<(innerIsReduced ? inner : 1) { value = step(value, row[index]) }
      }
      result(output, value)
    }
  }

  /// ln Σ eˣ, the greatest element taken out first.
  public func logSumExp<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, scratch: UnsafeMutablePointer<T>, workers: Workers
  ) {
    self(.maximum, finish: .none, x, y, scratch: scratch, workers: workers)
    let step = innerIsReduced ? 1 : inner
    workers.forEachRange(of: outputCount, grain: max(1, 4096 / max(1, reducedElements))) { range in
      for output in range {
        let base = kept.offset(output / step) + (innerIsReduced ? 0 : output % inner)
        let greatest = Double(y[output])
        guard greatest.isFinite else { continue }
        var sum = 0.0
        for row in 0..<reducedCount {
          let row = x + base + reduced.offset(row)
          for index in 0..<(innerIsReduced ? inner : 1) { sum += Glibc.exp(Double(row[index]) - greatest) }
        }
        y[output] = T(greatest + Glibc.log(sum))
      }
    }
  }
}
