/// Between `Float` and the two formats of sixteen bits.
public enum HalfPrecision {
  /// IEEE 754 half precision, exact.
  public static func half(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return sign == 0 ? magnitude : -magnitude
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The nearest half-precision number, ties to even.
  public static func bits(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.magnitude
    if magnitude.isNaN { return sign | 0x7e00 }
    if magnitude >= 65520 { return sign | 0x7c00 }
    if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
    let bits = magnitude.bitPattern
    let rounded = bits &+ 0xfff &+ (bits >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded >> 13) &- (112 << 10))
  }

  /// The nearest number of eight significant bits, ties to even.
  public static func brainBits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }

  /// The number whose upper half these are.
  public static func brain(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
