/// Scales taken from the numbers themselves.
public enum DynamicRange {
  /// The scale and zero point that spread bytes over all numbers and zero.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func quantization<T: Real>(_ x: UnsafePointer<T>, _ count: Int) -> (scale: Float, zero: UInt8) {
    let (least, most) = range(x, count)
    let scale = least == most ? 1 : (most - least) / 255
    let zero = Quantize.rounded(min(255, max(0, -least / scale)))
    return (scale, UInt8(zero))
  }

  private static func range<T: Real>(_ x: UnsafePointer<T>, _ count: Int) -> (least: Float, most: Float) {
    if T.self == Float.self { return range(UnsafeRawPointer(x).assumingMemoryBound(to: Float.self), count) }
    var (low, high): (T, T) = (0, 0)
    for index in 0..<count {
      low = x[index] < low ? x[index] : low
      high = x[index] > high ? x[index] : high
    }
    return (Float(low), Float(high))
  }

  private static func range(_ x: UnsafePointer<Float>, _ count: Int) -> (least: Float, most: Float) {
    var (lows, highs) = (SIMD16<Float>.zero, SIMD16<Float>.zero)
    var index = 0
    while index + 16 <= count {
      let values = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD16<Float>.self)
      lows.replace(with: values, where: values .< lows)
      highs.replace(with: values, where: values .> highs)
      index += 16
    }
    var (low, high) = (lows.min(), highs.max())
    while index < count {
      low = min(low, x[index])
      high = max(high, x[index])
      index += 1
    }
    return (low, high)
  }
}
