import Glibc

/// Functions of three operands, each of which may be the same all along a row (stride 0).
public enum TernaryMap {
  /// Elements of `yes` where the condition holds and of `no` elsewhere, by their size alone.
  @specialized(where T == UInt32)
  @specialized(where T == UInt64)
  @specialized(where T == UInt8)
  public static func choose<T: BitwiseCopyable>(
    _ condition: UnsafePointer<UInt8>, stride strideC: Int, _ yes: UnsafePointer<T>, stride strideA: Int,
    _ no: UnsafePointer<T>, stride strideB: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    if strideC == 1, strideA == 1, strideB == 1 {
      for index in 0..<count { y[index] = condition[index] != 0 ? yes[index] : no[index] }
    } else if strideC == 1, strideA == 1 {
      let no = no[0]
      for index in 0..<count { y[index] = condition[index] != 0 ? yes[index] : no }
    } else {
      for index in 0..<count {
        y[index] = condition[index * strideC] != 0 ? yes[index * strideA] : no[index * strideB]
      }
    }
  }

  /// A gradient where an operand is the extremum, zero elsewhere.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func extremumGradient<T: Real>(
    _ x: UnsafePointer<T>, stride strideX: Int, _ extremum: UnsafePointer<T>, stride strideE: Int,
    _ g: UnsafePointer<T>, stride strideG: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    for index in 0..<count { y[index] = x[index * strideX] == extremum[index * strideE] ? g[index * strideG] : 0 }
  }

  /// The gradient of a power towards its base: g · b · aᵇ⁻¹.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func powerBaseGradient<T: Real>(
    _ a: UnsafePointer<T>, stride strideA: Int, _ b: UnsafePointer<T>, stride strideB: Int, _ g: UnsafePointer<T>,
    stride strideG: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    if strideB == 0, b[0] == 2 {
      for index in 0..<count { y[index] = g[index * strideG] * 2 * a[index * strideA] }
      return
    }
    for index in 0..<count {
      let exponent = Double(b[index * strideB])
      let slope = exponent == 0 ? 0 : exponent * Glibc.pow(Double(a[index * strideA]), exponent - 1)
      y[index] = g[index * strideG] * T(slope)
    }
  }

  /// And towards its exponent: g · aᵇ · ln a, zero where the base is.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func powerExponentGradient<T: Real>(
    _ a: UnsafePointer<T>, stride strideA: Int, _ b: UnsafePointer<T>, stride strideB: Int, _ g: UnsafePointer<T>,
    stride strideG: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    for index in 0..<count {
      let base = Double(a[index * strideA])
      let slope = base == 0 ? 0 : Glibc.pow(base, Double(b[index * strideB])) * Glibc.log(base)
      y[index] = g[index * strideG] * T(slope)
    }
  }

  /// The gradients of a parametric rectifier, towards its operand and towards its slope.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func preluGradient<T: Real>(
    _ x: UnsafePointer<T>, stride strideX: Int, _ slope: UnsafePointer<T>, stride strideS: Int,
    _ g: UnsafePointer<T>, stride strideG: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    for index in 0..<count {
      let gradient = g[index * strideG]
      y[index] = x[index * strideX] < 0 ? gradient * slope[index * strideS] : gradient
    }
  }
}
