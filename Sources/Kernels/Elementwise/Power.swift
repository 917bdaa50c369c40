import Glibc

/// Powers of numbers of one type to numbers of another.
public enum Power {
  public static let e = Glibc.exp(1.0)

  public static func real(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }

  /// Whole exponents wrap around like products; fractions are cut off.
  public static func integer<T: FixedWidthInteger>(_ base: T, _ exponent: Double) -> T {
    guard exponent >= 0, exponent < 0x1p31, exponent == exponent.rounded() else {
      return T(exactly: Glibc.pow(Double(base), exponent).rounded(.towardZero)) ?? 0
    }
    var (result, factor, rest) = (T(1), base, Int(exponent))
    while rest > 0 {
      if rest & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      rest >>= 1
    }
    return result
  }
}
