/// Scales taken from the numbers themselves.
public enum DynamicRange {
  /// The scale and zero point that spread bytes over all numbers and zero.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func quantization<T: Real>(_ x: UnsafePointer<T>, _ count: Int) -> (scale: Float, zero: UInt8) {
    var (low, high): (T, T) = (0, 0)
    for index in 0..<count {
      low = x[index] < low ? x[index] : low
      high = x[index] > high ? x[index] : high
    }
    let (least, most) = (Float(low), Float(high))
    let scale = least == most ? 1 : (most - least) / 255
    let zero = Quantize.rounded(min(255, max(0, -least / scale)))
    return (scale, UInt8(zero))
  }
}
