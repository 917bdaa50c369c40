/// Loops over floats sixteen at a time and over doubles one by one. Outputs may be the inputs' memory.
enum VectorLoops {
  typealias Vector = SIMD16<Float>

  @inline(__always) static func load(_ x: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(x).loadUnaligned(as: Vector.self)
  }

  @inline(__always) static func store(_ value: Vector, _ y: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(y).storeBytes(of: value, as: Vector.self)
  }

  /// The last elements of a vector, fewer than sixteen; the lanes beyond repeat the first.
  @inline(__always) static func loadTail(_ x: UnsafePointer<Float>, _ count: Int) -> Vector {
    var value = Vector(repeating: x[0])
    for lane in 1..<max(1, count) { value[lane] = x[lane] }
    return value
  }

  @inline(__always) static func storeTail(_ value: Vector, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
    for lane in 0..<count { y[lane] = value[lane] }
  }

  @inline(__always) static func floats<T>(_ x: UnsafePointer<T>) -> UnsafePointer<Float> {
    UnsafeRawPointer(x).assumingMemoryBound(to: Float.self)
  }

  @inline(__always) static func floats<T>(_ x: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(x).assumingMemoryBound(to: Float.self)
  }

  @inline(__always) static func map<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, _ single: (Vector) -> Vector,
    _ double: (Double) -> Double
  ) {
    guard T.self == Float.self else { return map(x, y, count, double) }
    let (x, y) = (floats(x), floats(y))
    var index = 0
    while index + 16 <= count {
      store(single(load(x + index)), y + index)
      index += 16
    }
    guard index < count else { return }
    storeTail(single(loadTail(x + index, count - index)), y + index, count - index)
  }

  @inline(__always) static func map<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, _ double: (Double) -> Double
  ) {
    for index in 0..<count { y[index] = T(double(Double(x[index]))) }
  }

  /// Strides are 1, or 0 for an operand that is the same all along.
  @inline(__always) static func zip<T: Real>(
    _ a: UnsafePointer<T>, _ strideA: Int, _ b: UnsafePointer<T>, _ strideB: Int, _ y: UnsafeMutablePointer<T>,
    _ count: Int, _ single: (Vector, Vector) -> Vector, _ double: (Double, Double) -> Double
  ) {
    guard T.self == Float.self, count >= 4 else { return zip(a, strideA, b, strideB, y, count, double) }
    let (a, b, y) = (floats(a), floats(b), floats(y))
    let (repeatedA, repeatedB) = (Vector(repeating: a[0]), Vector(repeating: b[0]))
    let whole = count & ~15
    var index = 0
    if strideA == 1, strideB == 1 {
      while index < whole {
        store(single(load(a + index), load(b + index)), y + index)
        index += 16
      }
    } else if strideA == 1 {
      while index < whole {
        store(single(load(a + index), repeatedB), y + index)
        index += 16
      }
    } else {
      while index < whole {
        store(single(repeatedA, strideB == 1 ? load(b + index) : repeatedB), y + index)
        index += 16
      }
    }
    guard index < count else { return }
    let rest = count - index
    let first = strideA == 1 ? loadTail(a + index, rest) : repeatedA
    let second = strideB == 1 ? loadTail(b + index, rest) : repeatedB
    storeTail(single(first, second), y + index, rest)
  }

  @inline(__always) static func zip<T: Real>(
    _ a: UnsafePointer<T>, _ strideA: Int, _ b: UnsafePointer<T>, _ strideB: Int, _ y: UnsafeMutablePointer<T>,
    _ count: Int, _ double: (Double, Double) -> Double
  ) {
    for index in 0..<count { y[index] = T(double(Double(a[index * strideA]), Double(b[index * strideB]))) }
  }

  /// The same over elements of any kinds.
  @inline(__always) static func combine<A: BitwiseCopyable, B: BitwiseCopyable, R: BitwiseCopyable>(
    _ a: UnsafePointer<A>, _ strideA: Int, _ b: UnsafePointer<B>, _ strideB: Int, _ y: UnsafeMutablePointer<R>,
    _ count: Int, _ body: (A, B) -> R
  ) {
    for index in 0..<count { y[index] = body(a[index * strideA], b[index * strideB]) }
  }
}
