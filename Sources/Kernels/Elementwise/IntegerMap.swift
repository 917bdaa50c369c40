/// Functions of integers, mapped over tensors. Sums and products wrap around.
public enum IntegerMap {
  public enum Binary: Sendable {
    case add, subtract, multiply, divide, minimum, maximum, power, truncatedRemainder, flooredRemainder
    case shiftLeft, shiftRight, and, or, xor, prelu
  }

  public enum Unary: Sendable { case abs, neg, relu, sign, not, identity }

  @specialized(where T == Int64)
  @specialized(where T == Int32)
  public static func apply<T: FixedWidthInteger & BitwiseCopyable>(
    _ function: Binary, _ a: UnsafePointer<T>, stride strideA: Int, _ b: UnsafePointer<T>, stride strideB: Int,
    _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    switch function {
    case .add: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 &+ $1 }
    case .subtract: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 &- $1 }
    case .multiply: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 &* $1 }
    case .divide:
      VectorLoops.combine(a, strideA, b, strideB, y, count) { $0.dividedReportingOverflow(by: $1).partialValue }
    case .minimum: VectorLoops.combine(a, strideA, b, strideB, y, count) { Swift.min($0, $1) }
    case .maximum: VectorLoops.combine(a, strideA, b, strideB, y, count) { Swift.max($0, $1) }
    case .power: VectorLoops.combine(a, strideA, b, strideB, y, count) { power($0, $1) }
    case .truncatedRemainder:
      VectorLoops.combine(a, strideA, b, strideB, y, count) {
        $0.remainderReportingOverflow(dividingBy: $1).partialValue
      }
    case .flooredRemainder: VectorLoops.combine(a, strideA, b, strideB, y, count) { flooredRemainder($0, $1) }
    case .shiftLeft: VectorLoops.combine(a, strideA, b, strideB, y, count) { $1 < 0 ? 0 : $0 << $1 }
    case .shiftRight: VectorLoops.combine(a, strideA, b, strideB, y, count) { $1 < 0 ? ($0 < 0 ? ~0 : 0) : $0 >> $1 }
    case .and: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 & $1 }
    case .or: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 | $1 }
    case .xor: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 ^ $1 }
    case .prelu: VectorLoops.combine(a, strideA, b, strideB, y, count) { $0 < 0 ? $0 &* $1 : $0 }
    }
  }

  public static func apply<T: FixedWidthInteger & BitwiseCopyable>(
    _ function: Unary, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    for index in 0..<count {
      let value = x[index]
      y[index] =
        switch function {
        case .abs: value < 0 ? 0 &- value : value
        case .neg: 0 &- value
        case .relu: Swift.max(value, 0)
        case .sign: value.signum()
        case .not: ~value
        case .identity: value
        }
    }
  }

  public static func clip<T: FixedWidthInteger & BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, count: Int, low: T?, high: T?
  ) {
    let (low, high) = (low ?? T.min, high ?? T.max)
    for index in 0..<count { y[index] = Swift.min(Swift.max(x[index], low), high) }
  }

  /// Whether any element is zero.
  public static func containsZero<T: FixedWidthInteger & BitwiseCopyable>(_ x: UnsafePointer<T>, count: Int) -> Bool {
    for index in 0..<count where x[index] == 0 { return true }
    return false
  }

  private static func flooredRemainder<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
    let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
    return rest != 0 && (rest < 0) != (b < 0) ? rest &+ b : rest
  }

  /// By repeated squaring; what a negative exponent asks of an integer is a fraction, which is cut off.
  private static func power<T: FixedWidthInteger>(_ base: T, _ exponent: T) -> T {
    if exponent < 0 { return base == 1 ? 1 : base &+ 1 == 0 ? (exponent & 1 == 0 ? 1 : base) : 0 }
    var (result, factor, rest) = (T(1), base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      rest >>= 1
    }
    return result
  }
}
