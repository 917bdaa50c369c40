/// Comparisons and logic, whose results are bytes of 0 or 1.
public enum Comparison: Sendable {
  case equal, less, lessOrEqual, greater, greaterOrEqual

  @specialized(where T == Float)
  @specialized(where T == Double)
  @specialized(where T == Int64)
  @specialized(where T == Int32)
  public func callAsFunction<T: Comparable & BitwiseCopyable>(
    _ a: UnsafePointer<T>, stride strideA: Int, _ b: UnsafePointer<T>, stride strideB: Int,
    _ y: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    switch self {
    case .equal: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 == $1 ? 1 : 0 }
    case .less: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 < $1 ? 1 : 0 }
    case .lessOrEqual: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 <= $1 ? 1 : 0 }
    case .greater: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 > $1 ? 1 : 0 }
    case .greaterOrEqual: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 >= $1 ? 1 : 0 }
    }
  }

  /// Which numbers are not, or are infinite.
  public static func isNaN<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<UInt8>, count: Int) {
    for index in 0..<count { y[index] = x[index].isNaN ? 1 : 0 }
  }

  public static func isInfinite<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<UInt8>, count: Int, positive: Bool, negative: Bool
  ) {
    for index in 0..<count { y[index] = (positive && x[index] == .infinity) || (negative && x[index] == -.infinity) ? 1 : 0 }
  }

  /// The negation of truth values.
  public static func not(_ x: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>, count: Int) {
    for index in 0..<count { y[index] = x[index] == 0 ? 1 : 0 }
  }
}
