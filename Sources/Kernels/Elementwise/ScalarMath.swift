import Glibc

/// Functions of one double that the C library does not have.
enum ScalarMath {
  @inline(__always) static func sigmoid(_ x: Double) -> Double { 1 / (1 + Glibc.exp(-x)) }

  @inline(__always) static func softplus(_ x: Double) -> Double { max(x, 0) + Glibc.log1p(Glibc.exp(-Swift.abs(x))) }

  @inline(__always) static func limit(_ x: Double, _ low: Double, _ high: Double) -> Double {
    let above = x < low ? low : x
    return above > high ? high : above
  }

  @inline(__always) static func gelu(_ x: Double) -> Double { 0.5 * x * (1 + Glibc.erf(x * 0.5.squareRoot())) }

  @inline(__always) static func geluGradient(_ x: Double) -> Double {
    0.5 * (1 + Glibc.erf(x * 0.5.squareRoot())) + x * Glibc.exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
  }

  @inline(__always) static func tanhGelu(_ x: Double) -> Double {
    0.5 * x * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  @inline(__always) static func tanhGeluGradient(_ x: Double) -> Double {
    let root = (2 / Double.pi).squareRoot()
    let t = Glibc.tanh(root * (x + 0.044715 * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x)
  }

  @inline(__always) static func mishGradient(_ x: Double) -> Double {
    let t = Glibc.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)
  }

  @inline(__always) static func swishGradient(_ x: Double, _ alpha: Double) -> Double {
    let s = sigmoid(alpha * x)
    return s + alpha * x * s * (1 - s)
  }
}
