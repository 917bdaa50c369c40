import Glibc

/// What a recurrent operator applies to its gates and states, in place, a row at a time.
public struct GateActivation: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case sigmoid, tanh, relu, affine, leakyrelu, thresholdedrelu, scaledtanh, hardsigmoid, elu, softsign, softplus
  }

  public let kind: Kind
  public let alpha: Double
  public let beta: Double

  public init(_ kind: Kind, alpha: Double, beta: Double) {
    self.kind = kind
    self.alpha = alpha
    self.beta = beta
  }

  @inline(__always)
  func apply<T: Real>(_ row: UnsafeMutablePointer<T>, _ count: Int) {
    if T.self == Float.self, kind == .sigmoid || kind == .tanh {
      applyVectors(UnsafeMutableRawPointer(row).assumingMemoryBound(to: Float.self), count)
    } else {
      for index in 0..<count { row[index] = T(value(Double(row[index]))) }
    }
  }

  private func value(_ x: Double) -> Double {
    switch kind {
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: Glibc.tanh(x)
    case .relu: max(0, x)
    case .affine: alpha * x + beta
    case .leakyrelu: x < 0 ? alpha * x : x
    case .thresholdedrelu: x > alpha ? x : 0
    case .scaledtanh: alpha * Glibc.tanh(beta * x)
    case .hardsigmoid: min(max(alpha * x + beta, 0), 1)
    case .elu: x < 0 ? alpha * (exp(x) - 1) : x
    case .softsign: x / (1 + abs(x))
    case .softplus: x > 30 ? x : log1p(exp(x))
    }
  }

  /// Multiplies a gradient by the derivative, which all of these functions tell from their result.
  @inline(__always)
  func multiply<T: Real>(_ gradient: UnsafeMutablePointer<T>, byDerivativeAt y: UnsafePointer<T>, _ count: Int) {
    switch kind {
    case .sigmoid: for index in 0..<count { gradient[index] *= y[index] * (1 - y[index]) }
    case .tanh: for index in 0..<count { gradient[index] *= 1 - y[index] * y[index] }
    default: for index in 0..<count { gradient[index] *= T(slope(Double(y[index]))) }
    }
  }

  private func slope(_ y: Double) -> Double {
    switch kind {
    case .sigmoid: y * (1 - y)
    case .tanh: 1 - y * y
    case .relu, .thresholdedrelu: y > 0 ? 1 : 0
    case .affine: alpha
    case .leakyrelu: y < 0 ? alpha : 1
    case .scaledtanh: alpha == 0 ? 0 : beta * (alpha - y * y / alpha)
    case .hardsigmoid: y > 0 && y < 1 ? alpha : 0
    case .elu: y < 0 ? y + alpha : 1
    case .softsign: (1 - abs(y)) * (1 - abs(y))
    case .softplus: 1 - exp(-y)
    }
  }

  // MARK: Vectors of single precision

  private func applyVectors(_ row: UnsafeMutablePointer<Float>, _ count: Int) {
    var index = 0
    while index + 8 <= count {
      RowSums.store(vector(RowSums.load(row, index)), row, index)
      index += 8
    }
    guard index < count else { return }
    var rest = SIMD8<Float>()
    for lane in 0..<(count - index) { rest[lane] = row[index + lane] }
    rest = vector(rest)
    for lane in 0..<(count - index) { row[index + lane] = rest[lane] }
  }

  @inline(__always)
  private func vector(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let one = SIMD8<Float>(repeating: 1)
    return kind == .tanh ? one - 2 / (Self.exponential(x + x) + one) : one / (one + Self.exponential(-x))
  }

  /// eˣ = 2ⁿ·eʳ with n the nearest integer to x·log₂e, and the Taylor series of eʳ up to r⁷: |r| ≤ ln 2/2, so what is
  /// left off is below the rounding of single precision.
  @inline(__always)
  private static func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let lower = x.replacing(with: -87, where: x .< -87)
    let bounded = lower.replacing(with: 87, where: lower .> 87)
    // Adding 1.5·2²³ rounds to an integer, which then stands in the low bits.
    let magic = SIMD8<Float>(repeating: 12_582_912)
    let shifted = bounded * 1.442_695_04 + magic
    let power = shifted - magic
    let rest = (bounded - power * 0.693_359_375) - power * -2.121_944_4e-4
    var series = rest * (1.0 / 5040) + SIMD8(repeating: 1.0 / 720)
    series = series * rest + SIMD8(repeating: 1.0 / 120)
    series = series * rest + SIMD8(repeating: 1.0 / 24)
    series = series * rest + SIMD8(repeating: 1.0 / 6)
    series = series * rest + SIMD8(repeating: 0.5)
    series = series * rest + SIMD8(repeating: 1)
    series = series * rest + SIMD8(repeating: 1)
    let integer = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- Int32(bitPattern: Float(12_582_912).bitPattern)
    return series * unsafeBitCast((integer &+ 127) &<< 23, to: SIMD8<Float>.self)
  }
}
