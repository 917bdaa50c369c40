import Glibc

/// What losses have in common: rows of classes that may lie apart, and sums that do not depend on threads.
public enum LossMath {
  /// Logits seen as `outer` × `classes` × `inner`; a row is the classes at one outer and one inner position.
  public struct Layout: Sendable {
    public let outer: Int
    public let classes: Int
    public let inner: Int

    public init(outer: Int, classes: Int, inner: Int) {
      self.outer = outer
      self.classes = classes
      self.inner = inner
    }

    public var rows: Int { outer * inner }
    var grain: Int { max(1, 8_192 / max(1, classes)) }

    /// Where the first class of a row is.
    @inline(__always)
    func start(of row: Int) -> Int { (row / inner) * classes * inner + row % inner }
  }

  @inline(__always)
  static func exponential<T: Real>(_ x: T) -> T {
    T.self == Float.self ? T(exp(Float(x))) : T(exp(Double(x)))
  }

  /// log Σ exp(x·scale) over a row, and its largest element times the scale.
  @inline(__always)
  static func logSum<T: Real>(_ row: UnsafePointer<T>, _ layout: Layout, scale: T = 1) -> Double {
    var largest = -T.infinity
    for index in 0..<layout.classes { largest = max(largest, row[index * layout.inner]) }
    let shift = largest * scale
    var sum = 0.0
    for index in 0..<layout.classes { sum += Double(exponential(row[index * layout.inner] * scale - shift)) }
    return Double(shift) + log(sum)
  }

  /// Adds up numbers that threads have left in order.
  static func sum(_ parts: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum = 0.0
    for index in 0..<count { sum += parts[index] }
    return sum
  }
}
