/// An integer type that numbers are quantized to.
public protocol QuantizedInteger: FixedWidthInteger, SIMDScalar, Codable, BitwiseCopyable, Sendable {}

extension UInt8: QuantizedInteger {}
extension Int8: QuantizedInteger {}
extension UInt16: QuantizedInteger {}
extension Int16: QuantizedInteger {}
extension Int32: QuantizedInteger {}

/// Conversions between numbers and integers with a scale and a zero point: halves round to even, what does not fit
/// becomes the nearest integer that does.
public enum Quantize {
  /// Elements a thread converts at a time.
  static let grain = 65_536

  /// Rounds halves to even; |x| below 2²². Adding 1.5·2²³ leaves no bits for fractions.
  @inline(__always)
  static func rounded(_ x: Float) -> Float { (x + 12_582_912) - 12_582_912 }

  /// The integer nearest to a number, away from which it is no further than `Q` reaches.
  @inline(__always)
  static func integer<Q: QuantizedInteger>(_ x: Float, zero: Int32, as type: Q.Type) -> Q {
    // Integers of 16 bits at most, so that bounds are exact and small enough to round by adding.
    let low = Float(Q.min) - Float(zero)
    let high = Float(Q.max) - Float(zero)
    let bounded = x < low ? low : (x > high ? high : (x == x ? x : 0))
    return Q(truncatingIfNeeded: Int32(rounded(bounded)) &+ zero)
  }

  /// y = saturate(round(x / scale) + zero).
  @specialized(where Q == UInt8, T == Float)
  @specialized(where Q == Int8, T == Float)
  @specialized(where Q == UInt16, T == Float)
  @specialized(where Q == Int16, T == Float)
  @specialized(where Q == UInt8, T == Double)
  @specialized(where Q == Int8, T == Double)
  public static func quantize<Q: QuantizedInteger, T: Real>(
    _ x: UnsafePointer<T>, _ count: Int, scale: Float, zero: Int32, _ y: UnsafeMutablePointer<Q>
  ) {
    var index = 0
    if T.self == Float.self {
      let raw = UnsafeRawPointer(x)
      let rounding = VectorRounding(zero: zero, as: Q.self)
      while index + 16 <= count {
        let values = raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self) / scale
        UnsafeMutableRawPointer(y + index).storeBytes(of: rounding.integers(values, as: Q.self), as: SIMD16<Q>.self)
        index += 16
      }
    }
    while index < count {
      y[index] = integer(Float(x[index]) / scale, zero: zero, as: Q.self)
      index += 1
    }
  }

  /// x = (q − zero)·scale.
  @specialized(where Q == UInt8, T == Float)
  @specialized(where Q == Int8, T == Float)
  @specialized(where Q == UInt16, T == Float)
  @specialized(where Q == Int16, T == Float)
  @specialized(where Q == Int32, T == Float)
  @specialized(where Q == UInt8, T == Double)
  @specialized(where Q == Int8, T == Double)
  public static func dequantize<Q: QuantizedInteger, T: Real>(
    _ q: UnsafePointer<Q>, _ count: Int, scale: T, zero: Int32, _ x: UnsafeMutablePointer<T>
  ) {
    for index in 0..<count { x[index] = T(Int32(truncatingIfNeeded: q[index]) &- zero) * scale }
  }

  /// x = q − zero, in memory with `stride` elements between numbers.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func widen<Q: QuantizedInteger>(
    _ q: UnsafePointer<Q>, _ count: Int, zero: Int32, _ x: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { x[index] = Float(Int32(truncatingIfNeeded: q[index]) &- zero) }
  }

  /// y = saturate(round(sum·scale) + zero) for sums of products.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func requantize<Q: QuantizedInteger>(
    _ sums: UnsafePointer<Int32>, _ count: Int, scale: Float, zero: Int32, _ y: UnsafeMutablePointer<Q>,
    stride: Int = 1
  ) {
    if stride == 1 {
      var index = 0
      let rounding = VectorRounding(zero: zero, as: Q.self)
      while index + 16 <= count {
        let own = UnsafeRawPointer(sums + index).loadUnaligned(as: SIMD16<Int32>.self)
        let values = SIMD16<Float>(own) * scale
        UnsafeMutableRawPointer(y + index).storeBytes(of: rounding.integers(values, as: Q.self), as: SIMD16<Q>.self)
        index += 16
      }
      while index < count {
        y[index] = integer(Float(sums[index]) * scale, zero: zero, as: Q.self)
        index += 1
      }
    } else {
      for index in 0..<count { y[index * stride] = integer(Float(sums[index]) * scale, zero: zero, as: Q.self) }
    }
  }

  /// The same with a scale for every column.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func requantize<Q: QuantizedInteger>(
    _ sums: UnsafePointer<Int32>, _ count: Int, scales: UnsafePointer<Float>, zero: Int32,
    _ y: UnsafeMutablePointer<Q>
  ) {
    var index = 0
    let rounding = VectorRounding(zero: zero, as: Q.self)
    while index + 16 <= count {
      let own = UnsafeRawPointer(sums + index).loadUnaligned(as: SIMD16<Int32>.self)
      let values = SIMD16<Float>(own) * UnsafeRawPointer(scales + index).loadUnaligned(as: SIMD16<Float>.self)
      UnsafeMutableRawPointer(y + index).storeBytes(of: rounding.integers(values, as: Q.self), as: SIMD16<Q>.self)
      index += 16
    }
    while index < count {
      y[index] = integer(Float(sums[index]) * scales[index], zero: zero, as: Q.self)
      index += 1
    }
  }
}

/// ``Quantize/integer(_:zero:as:)`` for sixteen numbers.
struct VectorRounding {
  private let low: Float
  private let high: Float
  private let zero: Int32

  @inline(__always)
  init<Q: QuantizedInteger>(zero: Int32, as type: Q.Type) {
    (low, high, self.zero) = (Float(Q.min) - Float(zero), Float(Q.max) - Float(zero), zero)
  }

  @inline(__always)
  func integers<Q: QuantizedInteger>(_ x: SIMD16<Float>, as type: Q.Type) -> SIMD16<Q> {
    var bounded = x.replacing(with: 0, where: x .!= x)
    bounded.replace(with: low, where: bounded .< low)
    bounded.replace(with: high, where: bounded .> high)
    // 1.5·2²³ leaves the rounded integer in the lowest bits.
    let bits = unsafeBitCast(bounded + 12_582_912, to: SIMD16<Int32>.self)
    return SIMD16<Q>(truncatingIfNeeded: bits &- 0x4B40_0000 &+ zero)
  }
}
