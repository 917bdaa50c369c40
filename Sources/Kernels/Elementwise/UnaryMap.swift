import Glibc

/// A function of one number, mapped over floats or doubles.
public struct UnaryMap: Sendable {
  public enum Function: Sendable {
    case abs, acos, acosh, asin, asinh, atan, atanh, ceil, celu, cos, cosh, elu, erf, exp, floor, gelu, tanhGelu
    case hardSigmoid, hardSwish, leakyRelu, log, mish, neg, reciprocal, relu, round, selu, shrink, sigmoid, sign, sin
    case sinh, softplus, softsign, sqrt, square, swish, tan, tanh, thresholdedRelu, clip, scale
  }

  public var function: Function
  /// What `alpha`, `beta` and their like mean to the function; bounds for `clip`.
  public var alpha: Double
  public var beta: Double

  public init(_ function: Function, alpha: Double = 0, beta: Double = 0) {
    self.function = function
    self.alpha = alpha
    self.beta = beta
  }

  /// Elements that are worth a thread.
  public var grain: Int {
    switch function {
    case .abs, .neg, .relu, .clip, .leakyRelu, .square, .scale, .hardSigmoid, .hardSwish: 65536
    default: 16384
    }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, count: Int) {
    let (a, b) = (Float(alpha), Float(beta))
    switch function {
    case .abs: VectorLoops.map(x, y, count, SIMDMath.magnitude) { Swift.abs($0) }
    case .neg: VectorLoops.map(x, y, count, { -$0 }, { -$0 })
    case .relu: VectorLoops.map(x, y, count, { $0.replacing(with: 0, where: $0 .< 0) }, { $0 < 0 ? 0 : $0 })
    case .sqrt: VectorLoops.map(x, y, count, { $0.squareRoot() }, { $0.squareRoot() })
    case .square: VectorLoops.map(x, y, count, { $0 * $0 }, { $0 * $0 })
    case .scale: VectorLoops.map(x, y, count, { $0 * a }, { $0 * alpha })
    case .reciprocal: VectorLoops.map(x, y, count, { 1 / $0 }, { 1 / $0 })
    case .floor: VectorLoops.map(x, y, count, SIMDMath.floor, Glibc.floor)
    case .ceil: VectorLoops.map(x, y, count, SIMDMath.ceil, Glibc.ceil)
    case .round: VectorLoops.map(x, y, count, SIMDMath.round) { $0.rounded(.toNearestOrEven) }
    case .sign: VectorLoops.map(x, y, count, SIMDMath.sign) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .exp: VectorLoops.map(x, y, count, SIMDMath.exp, Glibc.exp)
    case .log: VectorLoops.map(x, y, count, SIMDMath.log, Glibc.log)
    case .tanh: VectorLoops.map(x, y, count, SIMDMath.tanh, Glibc.tanh)
    case .sigmoid: VectorLoops.map(x, y, count, SIMDMath.sigmoid, ScalarMath.sigmoid)
    case .erf: VectorLoops.map(x, y, count, SIMDMath.erf, Glibc.erf)
    case .gelu: VectorLoops.map(x, y, count, SIMDMath.gelu, ScalarMath.gelu)
    case .tanhGelu: VectorLoops.map(x, y, count, SIMDMath.tanhGelu, ScalarMath.tanhGelu)
    case .softplus: VectorLoops.map(x, y, count, SIMDMath.softplus, ScalarMath.softplus)
    case .softsign: VectorLoops.map(x, y, count, { $0 / (1 + SIMDMath.magnitude($0)) }) { $0 / (1 + Swift.abs($0)) }
    case .mish: VectorLoops.map(x, y, count, Self.mish) { $0 * Glibc.tanh(ScalarMath.softplus($0)) }
    case .swish:
      VectorLoops.map(x, y, count, { $0 * SIMDMath.sigmoid($0 * a) }) { $0 * ScalarMath.sigmoid(alpha * $0) }
    case .hardSigmoid:
      VectorLoops.map(x, y, count, { Self.limit($0 * a + b, 0, 1) }) { min(1, max(0, alpha * $0 + beta)) }
    case .hardSwish:
      VectorLoops.map(x, y, count, { $0 * Self.limit($0 * Float(1.0 / 6) + 0.5, 0, 1) }) {
        $0 * min(1, max(0, $0 / 6 + 0.5))
      }
    case .leakyRelu:
      VectorLoops.map(x, y, count, { $0.replacing(with: $0 * a, where: $0 .< 0) }) { $0 < 0 ? alpha * $0 : $0 }
    case .clip: VectorLoops.map(x, y, count, { Self.limit($0, a, b) }) { ScalarMath.limit($0, alpha, beta) }
    case .elu, .selu, .celu: exponentialUnit(x, y, count)
    case .thresholdedRelu:
      VectorLoops.map(x, y, count, { V(repeating: 0).replacing(with: $0, where: $0 .> a) }) { $0 > alpha ? $0 : 0 }
    case .shrink:
      VectorLoops.map(x, y, count) { $0 < -alpha ? $0 + beta : $0 > alpha ? $0 - beta : 0 }
    default: trigonometric(x, y, count)
    }
  }

  private typealias V = SIMD16<Float>

  /// Within bounds; NaN stays.
  @inline(__always) private static func limit(_ x: V, _ low: Float, _ high: Float) -> V {
    let above = x.replacing(with: V(repeating: low), where: x .< low)
    return above.replacing(with: V(repeating: high), where: above .> high)
  }

  /// x · tanh(ln(1 + eˣ)) by squares of 1 + eˣ. Beyond 20 it is x.
  @inline(__always) private static func mish(_ x: V) -> V {
    let e = SIMDMath.exp(x.replacing(with: 20, where: x .> 20))
    let n: V = e * (e + 2)
    return x * (n / (n + 2))
  }

  @inline(__always)
  private func exponentialUnit<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int) {
    // gain · (x or alpha · (e^(x · slope) − 1)).
    let gain = function == .selu ? beta : 1
    let slope = function == .celu ? 1 / alpha : 1
    let (a, g, s) = (Float(alpha), Float(gain), Float(slope))
    VectorLoops.map(
      x, y, count, { x in (x.replacing(with: (SIMDMath.exp(x * s) - 1) * a, where: x .< 0)) * g },
      { gain * ($0 < 0 ? alpha * Glibc.expm1($0 * slope) : $0) })
  }

  @inline(__always)
  private func trigonometric<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int) {
    switch function {
    case .acos: VectorLoops.map(x, y, count, Glibc.acos)
    case .acosh: VectorLoops.map(x, y, count, Glibc.acosh)
    case .asin: VectorLoops.map(x, y, count, Glibc.asin)
    case .asinh: VectorLoops.map(x, y, count, Glibc.asinh)
    case .atan: VectorLoops.map(x, y, count, Glibc.atan)
    case .atanh: VectorLoops.map(x, y, count, Glibc.atanh)
    case .cos: VectorLoops.map(x, y, count, Glibc.cos)
    case .cosh: VectorLoops.map(x, y, count, Glibc.cosh)
    case .sin: VectorLoops.map(x, y, count, Glibc.sin)
    case .sinh: VectorLoops.map(x, y, count, Glibc.sinh)
    default: VectorLoops.map(x, y, count, Glibc.tan)
    }
  }
}
