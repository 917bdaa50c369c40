/// Sums in place.
public enum Accumulate {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func add<T: Real>(_ source: UnsafePointer<T>, to target: UnsafeMutablePointer<T>, _ count: Int) {
    for index in 0..<count { target[index] += source[index] }
  }
}
