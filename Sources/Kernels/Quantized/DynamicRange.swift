/// Scales taken from the numbers themselves.
public enum DynamicRange {
  /// The scale and zero point that spread bytes over all numbers and zero.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func quantization<T: Real>(_ x: UnsafePointer<T>, _ count: Int) -> (scale: Float, zero: UInt8) {
    var (lows, highs) = (SIMD8<T>.zero, SIMD8<T>.zero)
    var index = 0
    while index + 8 <= count {
      let values = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD8<T>.self)
      lows.replace(with: values, where: values .< lows)
      highs.replace(with: values, where: values .> highs)
      index += 8
    }
    var (low, high) = (lows.min(), highs.max())
    for index in index..<count {
      low = x[index] < low ? x[index] : low
      high = x[index] > high ? x[index] : high
    }
    let (least, most) = (Float(low), Float(high))
    let scale = least == most ? 1 : (most - least) / 255
    let zero = Quantize.rounded(min(255, max(0, -least / scale)))
    return (scale, UInt8(zero))
  }
}
