import Glibc

/// A function of two numbers, mapped over floats or doubles. Operands of stride 0 are the same all along.
public struct BinaryMap: Sendable {
  public enum Function: Sendable {
    case add, subtract, multiply, divide, minimum, maximum, power, remainder, flooredRemainder, prelu
    /// A gradient that reaches the output of a function of one number, led to its input. The first operand is what the
    /// function was of, or what it came to where the name says so.
    case absGradient, celuGradient, clipGradient, eluGradient, erfGradient, geluGradient, tanhGeluGradient
    case hardSigmoidGradient, hardSwishGradient, leakyReluGradient, mishGradient, seluGradient, shrinkGradient
    case softplusGradient, softsignGradient, swishGradient, thresholdedReluGradient
    case sinGradient, cosGradient, tanGradient, asinGradient, acosGradient, atanGradient
    case sinhGradient, coshGradient, asinhGradient, acoshGradient, atanhGradient
    case reluGradientOfOutput, sigmoidGradientOfOutput, tanhGradientOfOutput, sqrtGradientOfOutput
    case reciprocalGradientOfOutput
    /// Towards the slopes of parametric rectifiers.
    case preluSlopeGradient
  }

  public var function: Function
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
    case .add, .subtract, .multiply, .divide, .minimum, .maximum, .prelu, .reluGradientOfOutput, .clipGradient: 32768
    default: 16384
    }
  }

  private typealias V = SIMD16<Float>

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ a: UnsafePointer<T>, stride strideA: Int, _ b: UnsafePointer<T>, stride strideB: Int,
    _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    switch function {
    case .add: VectorLoops.zip(a, strideA, b, strideB, y, count, { $0 + $1 }, { $0 + $1 })
    case .subtract: VectorLoops.zip(a, strideA, b, strideB, y, count, { $0 - $1 }, { $0 - $1 })
    case .multiply: VectorLoops.zip(a, strideA, b, strideB, y, count, { $0 * $1 }, { $0 * $1 })
    case .divide: VectorLoops.zip(a, strideA, b, strideB, y, count, { $0 / $1 }, { $0 / $1 })
    case .minimum:
      VectorLoops.zip(a, strideA, b, strideB, y, count, SIMDMath.minimum) { $1 < $0 || $1.isNaN ? $1 : $0 }
    case .maximum:
      VectorLoops.zip(a, strideA, b, strideB, y, count, SIMDMath.maximum) { $1 > $0 || $1.isNaN ? $1 : $0 }
    case .power: VectorLoops.zip(a, strideA, b, strideB, y, count, Glibc.pow)
    case .remainder: VectorLoops.zip(a, strideA, b, strideB, y, count, Glibc.fmod)
    case .flooredRemainder:
      VectorLoops.zip(a, strideA, b, strideB, y, count) { a, b in
        let rest = Glibc.fmod(a, b)
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
      }
    case .prelu:
      VectorLoops.zip(
        a, strideA, b, strideB, y, count, { $0.replacing(with: $0 * $1, where: $0 .< 0) }, { $0 < 0 ? $0 * $1 : $0 })
    default: gradient(a, strideA, b, strideB, y, count)
    }
  }

  /// Gradients that are worth vectors; a NaN among the operands stays one.
  @inline(__always)
  private func gradient<T: Real>(
    _ z: UnsafePointer<T>, _ strideZ: Int, _ g: UnsafePointer<T>, _ strideG: Int, _ y: UnsafeMutablePointer<T>,
    _ count: Int
  ) {
    let a = Float(alpha)
    switch function {
    case .reluGradientOfOutput:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { V(repeating: 0).replacing(with: $1, where: $0 .> 0) }, { $0 > 0 ? $1 : 0 })
    case .sigmoidGradientOfOutput:
      VectorLoops.zip(z, strideZ, g, strideG, y, count, { $1 * $0 * (1 - $0) }, { $1 * $0 * (1 - $0) })
    case .tanhGradientOfOutput:
      VectorLoops.zip(z, strideZ, g, strideG, y, count, { $1 * (1 - $0 * $0) }, { $1 * (1 - $0 * $0) })
    case .sqrtGradientOfOutput:
      // Zero where the root is: channels that are all zeros, as HESSO leaves them, must not make infinite gradients.
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { ($1 * 0.5 / $0).replacing(with: 0, where: $0 .== 0) },
        { $0 == 0 ? 0 : $1 * 0.5 / $0 })
    case .preluSlopeGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { V(repeating: 0).replacing(with: $0 * $1, where: $0 .< 0) },
        { $0 < 0 ? $0 * $1 : 0 })
    case .reciprocalGradientOfOutput:
      VectorLoops.zip(z, strideZ, g, strideG, y, count, { -$1 * $0 * $0 }, { -$1 * $0 * $0 })
    case .geluGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { $1 * SIMDMath.geluGradient($0) }, { $1 * ScalarMath.geluGradient($0) })
    case .tanhGeluGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { $1 * SIMDMath.tanhGeluGradient($0) },
        { $1 * ScalarMath.tanhGeluGradient($0) })
    case .clipGradient, .hardSigmoidGradient:
      // Between the bounds; a hard sigmoid is a line there.
      let slope = function == .clipGradient ? 1 : alpha
      let ends = (-beta / alpha, (1 - beta) / alpha)
      let low = function == .clipGradient ? alpha : min(ends.0, ends.1)
      let high = function == .clipGradient ? beta : max(ends.0, ends.1)
      let (s, l, h) = (Float(slope), Float(low), Float(high))
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count,
        { V(repeating: 0).replacing(with: $1 * s, where: ($0 .>= l) .& ($0 .<= h)) },
        { $0 >= low && $0 <= high ? $1 * slope : 0 })
    case .hardSwishGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count,
        { z, g in
          let middle: V = g * (z * Float(1.0 / 3) + 0.5)
          return middle.replacing(with: g, where: z .>= 3).replacing(with: 0, where: z .<= -3)
        }, { $0 <= -3 ? 0 : $0 >= 3 ? $1 : $1 * ($0 / 3 + 0.5) })
    case .leakyReluGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { $1.replacing(with: $1 * a, where: $0 .< 0) },
        { $0 < 0 ? $1 * alpha : $1 })
    case .softplusGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { $1 * SIMDMath.sigmoid($0) }, { $1 * ScalarMath.sigmoid($0) })
    case .swishGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count,
        { z, g in
          let s = SIMDMath.sigmoid(z * a)
          return g * (s + z * a * s * (1 - s))
        }, { $1 * ScalarMath.swishGradient($0, alpha) })
    case .erfGradient:
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count, { $1 * 1.12837917 * SIMDMath.exp(-($0 * $0)) },
        { $1 * 2 / Double.pi.squareRoot() * Glibc.exp(-$0 * $0) })
    case .eluGradient, .seluGradient, .celuGradient:
      let gain = function == .seluGradient ? beta : 1
      let rate = function == .celuGradient ? 1 / alpha : 1
      let below = function == .celuGradient ? 1 : alpha
      let (s, r, l) = (Float(gain), Float(rate), Float(below))
      VectorLoops.zip(
        z, strideZ, g, strideG, y, count,
        { z, g in (g * s).replacing(with: g * s * l * SIMDMath.exp(z * r), where: z .< 0) },
        { gain * $1 * ($0 < 0 ? below * Glibc.exp($0 * rate) : 1) })
    default: rareGradient(z, strideZ, g, strideG, y, count)
    }
  }

  @inline(__always)
  private func rareGradient<T: Real>(
    _ z: UnsafePointer<T>, _ strideZ: Int, _ g: UnsafePointer<T>, _ strideG: Int, _ y: UnsafeMutablePointer<T>,
    _ count: Int
  ) {
    VectorLoops.zip(z, strideZ, g, strideG, y, count) { $1 * derivative($0) }
  }

  private func derivative(_ x: Double) -> Double {
    switch function {
    case .absGradient: x > 0 ? 1 : x < 0 ? -1 : 0
    case .mishGradient: ScalarMath.mishGradient(x)
    case .shrinkGradient: x < -alpha || x > alpha ? 1 : 0
    case .softsignGradient: 1 / ((1 + Swift.abs(x)) * (1 + Swift.abs(x)))
    case .thresholdedReluGradient: x > alpha ? 1 : 0
    case .sinGradient: Glibc.cos(x)
    case .cosGradient: -Glibc.sin(x)
    case .tanGradient: 1 + Glibc.tan(x) * Glibc.tan(x)
    case .asinGradient: 1 / (1 - x * x).squareRoot()
    case .acosGradient: -1 / (1 - x * x).squareRoot()
    case .atanGradient: 1 / (1 + x * x)
    case .sinhGradient: Glibc.cosh(x)
    case .coshGradient: Glibc.sinh(x)
    case .asinhGradient: 1 / (1 + x * x).squareRoot()
    case .acoshGradient: 1 / (x * x - 1).squareRoot()
    default: 1 / (1 - x * x)
    }
  }
}
