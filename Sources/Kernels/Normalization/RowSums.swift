/// Sums over contiguous elements: lanes add up single numbers, double precision collects what lanes held after a few
/// thousand of them.
enum RowSums {
  /// Elements after which lanes are emptied into a total of double precision.
  static let block = 4096

  @inline(__always)
  static func load<T: Real>(_ elements: UnsafePointer<T>, _ index: Int) -> SIMD8<T> {
    UnsafeRawPointer(elements + index).loadUnaligned(as: SIMD8<T>.self)
  }

  @inline(__always)
  static func store<T: Real>(_ vector: SIMD8<T>, _ elements: UnsafeMutablePointer<T>, _ index: Int) {
    UnsafeMutableRawPointer(elements + index).storeBytes(of: vector, as: SIMD8<T>.self)
  }

  /// Eight elements `stride` apart. Sixteen neighbours may be read.
  @inline(__always)
  static func load<T: Real>(_ row: UnsafePointer<T>, stride: Int) -> SIMD8<T> {
    switch stride {
    case 1: return load(row, 0)
    case 2: return UnsafeRawPointer(row).loadUnaligned(as: SIMD16<T>.self).evenHalf
    default:
      var vector = SIMD8<T>()
      for lane in 0..<8 { vector[lane] = row[lane * stride] }
      return vector
    }
  }

  /// In each lane, `a` where `x` > `y` and `b` elsewhere.
  ///
  /// Comparisons of vectors become single instructions only where the type of elements is spelled out.
  @inline(__always)
  static func select<T: Real>(
    _ a: SIMD8<T>, _ b: SIMD8<T>, where x: SIMD8<T>, exceeds y: SIMD8<T>
  ) -> SIMD8<T> {
    if T.self == Float.self {
      let mask = unsafeBitCast(x, to: SIMD8<Float>.self) .> unsafeBitCast(y, to: SIMD8<Float>.self)
      let result = unsafeBitCast(b, to: SIMD8<Float>.self)
        .replacing(with: unsafeBitCast(a, to: SIMD8<Float>.self), where: mask)
      return unsafeBitCast(result, to: SIMD8<T>.self)
    }
    if T.self == Double.self {
      let mask = unsafeBitCast(x, to: SIMD8<Double>.self) .> unsafeBitCast(y, to: SIMD8<Double>.self)
      let result = unsafeBitCast(b, to: SIMD8<Double>.self)
        .replacing(with: unsafeBitCast(a, to: SIMD8<Double>.self), where: mask)
      return unsafeBitCast(result, to: SIMD8<T>.self)
    }
    return b.replacing(with: a, where: x .> y)
  }

  /// The sum of `term` over indices below `count`; `single` is the same term for one element.
  @inline(__always)
  static func sum<T: Real>(
    _ count: Int, _ term: (_ index: Int) -> SIMD8<T>, single: (_ index: Int) -> T
  ) -> Double {
    var total = 0.0
    var index = 0
    while index + 8 <= count {
      let end = min(count, index + block)
      var (first, second) = (SIMD8<T>(), SIMD8<T>())
      var (third, fourth) = (SIMD8<T>(), SIMD8<T>())
      while index + 32 <= end {
        first += term(index)
        second += term(index + 8)
        third += term(index + 16)
        fourth += term(index + 24)
        index += 32
      }
      while index + 8 <= end {
        first += term(index)
        index += 8
      }
      total += Double(((first + second) + (third + fourth)).sum())
    }
    while index < count {
      total += Double(single(index))
      index += 1
    }
    return total
  }

  static func sum<T: Real>(of row: UnsafePointer<T>, count: Int) -> Double {
    sum(count, { load(row, $0) }, single: { row[$0] })
  }

  /// Σ (x − center)².
  static func squares<T: Real>(of row: UnsafePointer<T>, count: Int, center: T) -> Double {
    let centers = SIMD8(repeating: center)
    return sum(
      count,
      {
        let distance = load(row, $0) - centers
        return distance * distance
      }, single: { (row[$0] - center) * (row[$0] - center) })
  }

  /// Σ g·(x − center).
  static func products<T: Real>(
    of gradient: UnsafePointer<T>, _ row: UnsafePointer<T>, count: Int, center: T
  ) -> Double {
    let centers = SIMD8(repeating: center)
    return sum(
      count, { load(gradient, $0) * (load(row, $0) - centers) },
      single: { gradient[$0] * (row[$0] - center) })
  }
}
