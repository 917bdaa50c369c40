/// Sums, extrema and products of rows of floats or doubles, and of rows upon rows.
enum ReduceLoops {
  typealias Vector = SIMD16<Float>

  /// What a row comes to.
  @specialized(where T == Float)
  @specialized(where T == Double)
  static func row<T: Real>(_ kind: Reduction.Kind, _ x: UnsafePointer<T>, _ count: Int) -> T {
    switch kind {
    case .sum: fold(x, count, 0, { $0 + $1 }, { $0 }, { $0 + $1 }, { $0 })
    case .absoluteSum: fold(x, count, 0, { $0 + $1 }, SIMDMath.magnitude, { $0 + $1 }, { Swift.abs($0) })
    case .squareSum: fold(x, count, 0, { $0 + $1 }, { $0 * $0 }, { $0 + $1 }, { $0 * $0 })
    case .maximum: fold(x, count, -.infinity, SIMDMath.maximum, { $0 }, Self.greater, { $0 })
    case .minimum: fold(x, count, .infinity, SIMDMath.minimum, { $0 }, Self.lesser, { $0 })
    case .product: fold(x, count, 1, { $0 * $1 }, { $0 }, { $0 * $1 }, { $0 })
    }
  }

  /// Adds `rows` rows, `step` elements apart, to a row of results.
  @specialized(where T == Float)
  @specialized(where T == Double)
  static func columns<T: Real>(
    _ kind: Reduction.Kind, _ x: UnsafePointer<T>, rows: Int, step: Int, _ y: UnsafeMutablePointer<T>, _ count: Int
  ) {
    switch kind {
    case .sum: accumulate(x, rows, step, y, count, { $0 + $1 }, { $0 }, { $0 + $1 }, { $0 })
    case .absoluteSum: accumulate(x, rows, step, y, count, { $0 + $1 }, SIMDMath.magnitude, { $0 + $1 }, { Swift.abs($0) })
    case .squareSum: accumulate(x, rows, step, y, count, { $0 + $1 }, { $0 * $0 }, { $0 + $1 }, { $0 * $0 })
    case .maximum: accumulate(x, rows, step, y, count, SIMDMath.maximum, { $0 }, Self.greater, { $0 })
    case .minimum: accumulate(x, rows, step, y, count, SIMDMath.minimum, { $0 }, Self.lesser, { $0 })
    case .product: accumulate(x, rows, step, y, count, { $0 * $1 }, { $0 }, { $0 * $1 }, { $0 })
    }
  }

  @inline(__always) static func greater<T: Real>(_ a: T, _ b: T) -> T { b > a || b.isNaN ? b : a }

  @inline(__always) static func lesser<T: Real>(_ a: T, _ b: T) -> T { b < a || b.isNaN ? b : a }

  /// Four vectors of results at a time, so that additions do not wait for each other.
  @inline(__always)
  private static func fold<T: Real>(
    _ x: UnsafePointer<T>, _ count: Int, _ start: T, _ combine: (Vector, Vector) -> Vector,
    _ prepare: (Vector) -> Vector, _ combineOne: (T, T) -> T, _ prepareOne: (T) -> T
  ) -> T {
    var result = start
    var index = 0
    if T.self == Float.self, count >= 16 {
      let floats = VectorLoops.floats(x)
      var a = Vector(repeating: Float(start))
      var (b, c, d) = (a, a, a)
      while index + 64 <= count {
        a = combine(a, prepare(VectorLoops.load(floats + index)))
        b = combine(b, prepare(VectorLoops.load(floats + index + 16)))
        c = combine(c, prepare(VectorLoops.load(floats + index + 32)))
        d = combine(d, prepare(VectorLoops.load(floats + index + 48)))
        index += 64
      }
      while index + 16 <= count {
        a = combine(a, prepare(VectorLoops.load(floats + index)))
        index += 16
      }
      a = combine(combine(a, b), combine(c, d))
      for lane in 0..<16 { result = combineOne(result, T(a[lane])) }
    }
    while index < count {
      result = combineOne(result, prepareOne(x[index]))
      index += 1
    }
    return result
  }

  /// Four rows at a time, so that results are read and written a quarter as often.
  @inline(__always)
  private static func accumulate<T: Real>(
    _ x: UnsafePointer<T>, _ rows: Int, _ step: Int, _ y: UnsafeMutablePointer<T>, _ count: Int,
    _ combine: (Vector, Vector) -> Vector, _ prepare: (Vector) -> Vector, _ combineOne: (T, T) -> T,
    _ prepareOne: (T) -> T
  ) {
    var index = 0
    if T.self == Float.self {
      let whole = count & ~15
      let (floats, results) = (VectorLoops.floats(x), VectorLoops.floats(y))
      var row = 0
      while row + 4 <= rows {
        let first = floats + row * step
        var index = 0
        while index < whole {
          let a = combine(prepare(VectorLoops.load(first + index)), prepare(VectorLoops.load(first + step + index)))
          let b = combine(
            prepare(VectorLoops.load(first + 2 * step + index)), prepare(VectorLoops.load(first + 3 * step + index)))
          VectorLoops.store(combine(VectorLoops.load(results + index), combine(a, b)), results + index)
          index += 16
        }
        row += 4
      }
      while row < rows {
        var index = 0
        while index < whole {
          let value = prepare(VectorLoops.load(floats + row * step + index))
          VectorLoops.store(combine(VectorLoops.load(results + index), value), results + index)
          index += 16
        }
        row += 1
      }
      index = whole
    }
    guard index < count else { return }
    for row in 0..<rows {
      for column in index..<count { y[column] = combineOne(y[column], prepareOne(x[row * step + column])) }
    }
  }
}
