/// Moves elements without looking at them.
public enum Filling {
  /// Copies a row, or repeats its one element.
  public static func row<T: BitwiseCopyable>(
    _ x: UnsafePointer<T>, stride: Int, _ y: UnsafeMutablePointer<T>, count: Int
  ) {
    if stride == 1 { y.update(from: x, count: count) } else { y.update(repeating: x[0], count: count) }
  }
}
