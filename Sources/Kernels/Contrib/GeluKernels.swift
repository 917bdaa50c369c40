import Glibc

/// The activations of fused operators, and their derivatives.
public enum GeluKernels {
  public enum Kind: Sendable, Equatable {
    /// x·Φ(x).
    case exact
    /// x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2.
    case tanh
    /// x·σ(α·x).
    case quick(Float)
  }

  /// y = f(x + bias) over rows of `width`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func forward<T: Real>(
    _ x: UnsafePointer<T>, bias: UnsafePointer<T>?, _ y: UnsafeMutablePointer<T>, rows: Int, width: Int, kind: Kind,
    workers: Workers
  ) {
    forEachRow(rows, width, workers) { row in
      let (from, into) = (x + row * width, y + row * width)
      if T.self == Float.self {
        vectors(
          UnsafeRawPointer(from).assumingMemoryBound(to: Float.self),
          bias.map { UnsafeRawPointer($0).assumingMemoryBound(to: Float.self) }, nil,
          UnsafeMutableRawPointer(into).assumingMemoryBound(to: Float.self), width, kind)
      } else {
        for index in 0..<width {
          let value = Double(from[index] + (bias?[index] ?? 0))
          into[index] = T(value * gate(value, kind).value)
        }
      }
    }
  }

  /// dx = dy·f′(x + bias).
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func backward<T: Real>(
    _ x: UnsafePointer<T>, bias: UnsafePointer<T>?, _ above: UnsafePointer<T>, _ gradient: UnsafeMutablePointer<T>,
    rows: Int, width: Int, kind: Kind, workers: Workers
  ) {
    forEachRow(rows, width, workers) { row in
      let (from, up, into) = (x + row * width, above + row * width, gradient + row * width)
      if T.self == Float.self {
        vectors(
          UnsafeRawPointer(from).assumingMemoryBound(to: Float.self),
          bias.map { UnsafeRawPointer($0).assumingMemoryBound(to: Float.self) },
          UnsafeRawPointer(up).assumingMemoryBound(to: Float.self),
          UnsafeMutableRawPointer(into).assumingMemoryBound(to: Float.self), width, kind)
      } else {
        for index in 0..<width {
          let value = Double(from[index] + (bias?[index] ?? 0))
          let (gate, slope) = gate(value, kind)
          into[index] = up[index] * T(gate + value * slope)
        }
      }
    }
  }

  private static func forEachRow(_ rows: Int, _ width: Int, _ workers: Workers, _ body: (Int) -> Void) {
    workers.forEachRange(of: rows, grain: max(1, 16_384 / max(1, width))) { range in
      for row in range { body(row) }
    }
  }

  /// What multiplies x, and its derivative.
  private static func gate(_ x: Double, _ kind: Kind) -> (value: Double, slope: Double) {
    switch kind {
    case .exact:
      return (0.5 * erfc(-x * 0.5.squareRoot()), exp(-0.5 * x * x) / (2 * Double.pi).squareRoot())
    case .tanh:
      let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      let t = Glibc.tanh(inner)
      return (0.5 * (1 + t), 0.5 * (1 - t * t) * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x))
    case .quick(let alpha):
      let gate = 1 / (1 + exp(-Double(alpha) * x))
      return (gate, Double(alpha) * gate * (1 - gate))
    }
  }

  // MARK: Eight at a time

  /// One row, forward, or backward where there is a gradient from above.
  private static func vectors(
    _ x: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?, _ above: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ width: Int, _ kind: Kind
  ) {
    var index = 0
    while index < width {
      let count = min(8, width - index)
      var value = load(x + index, count)
      if let bias { value += load(bias + index, count) }
      let (gate, slope) = gate(value, kind)
      var result = value * gate
      if let above { result = load(above + index, count) * (gate + value * slope) }
      if count == 8 {
        UnsafeMutableRawPointer(y + index).storeBytes(of: result, as: SIMD8<Float>.self)
      } else {
        for lane in 0..<count { y[index + lane] = result[lane] }
      }
      index += 8
    }
  }

  @inline(__always)
  private static func load(_ x: UnsafePointer<Float>, _ count: Int) -> SIMD8<Float> {
    if count == 8 { return UnsafeRawPointer(x).loadUnaligned(as: SIMD8<Float>.self) }
    var result = SIMD8<Float>.zero
    for lane in 0..<count { result[lane] = x[lane] }
    return result
  }

  @inline(__always)
  private static func gate(_ x: SIMD8<Float>, _ kind: Kind) -> (value: SIMD8<Float>, slope: SIMD8<Float>) {
    switch kind {
    case .exact: return normal(x)
    case .tanh:
      // (1 + tanh z)/2 = σ(2z).
      let root: Float = 0.797_884_56
      let square = x * x
      let gate = logistic(2 * root * x * (1 + 0.044715 * square))
      return (gate, 2 * gate * (1 - gate) * root * (1 + 3 * 0.044715 * square))
    case .quick(let alpha):
      let gate = logistic(alpha * x)
      return (gate, alpha * gate * (1 - gate))
    }
  }

  @inline(__always)
  private static func logistic(_ x: SIMD8<Float>) -> SIMD8<Float> { 1 / (1 + AttentionMath.exponential(-x)) }

  /// Φ(x) and its density. Φ by Abramowitz and Stegun 7.1.26, off by 10⁻⁷ at most.
  @inline(__always)
  private static func normal(_ x: SIMD8<Float>) -> (value: SIMD8<Float>, slope: SIMD8<Float>) {
    let z = x * 0.707_106_78
    let isNegative = z .< 0
    let size = z.replacing(with: -z, where: isNegative)
    let t = 1 / (1 + 0.327_591_1 * size)
    var p = 1.061_405_43 * t - 1.453_152_03
    p = p * t + 1.421_413_74
    p = p * t - 0.284_496_74
    p = p * t + 0.254_829_59
    let density = AttentionMath.exponential(-size * size)
    let tail = 0.5 * p * t * density
    return ((1 - tail).replacing(with: tail, where: isNegative), density * 0.398_942_28)
  }
}
