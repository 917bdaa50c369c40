import Glibc

/// Softmax and its logarithm along one axis, and their gradients.
///
/// A tensor is `outer` × `size` × `inner`, the middle one normalized.
public struct SoftmaxRows: Sendable {
  public enum Kind: Sendable { case softmax, logSoftmax }

  public let kind: Kind
  public let outer: Int
  public let size: Int
  public let inner: Int

  public init(_ kind: Kind, outer: Int, size: Int, inner: Int) {
    self.kind = kind
    self.outer = outer
    self.size = size
    self.inner = inner
  }

  private var grain: Int { max(1, 16384 / max(1, size * inner)) }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, workers: Workers) {
    workers.forEachRange(of: outer, grain: grain) { range in
      for index in range {
        let start = index * size * inner
        if T.self == Float.self, inner == 1 {
          row(VectorLoops.floats(x) + start, VectorLoops.floats(y) + start)
        } else if T.self == Float.self {
          columns(VectorLoops.floats(x) + start, VectorLoops.floats(y) + start)
        } else {
          for column in 0..<inner { slow(x + start + column, y + start + column) }
        }
      }
    }
  }

  private typealias V = SIMD16<Float>

  @inline(__always)
  private func row(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let greatest = ReduceLoops.row(.maximum, x, size)
    let sum = kind == .softmax ? exponentials(x, y, greatest) : exponentialSum(x, greatest)
    if kind == .softmax {
      UnaryMap(.scale, alpha: Double(1 / sum))(UnsafePointer(y), y, count: size)
    } else {
      let shift = greatest + Glibc.logf(sum)
      VectorLoops.map(x, y, size, { $0 - shift }, { $0 - Double(shift) })
    }
  }

  /// Writes e to the power of what lies below the greatest, and sums it.
  @inline(__always)
  private func exponentials(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ greatest: Float) -> Float {
    var sums = V(repeating: 0)
    let whole = size & ~15
    var index = 0
    while index < whole {
      let value = SIMDMath.exp(VectorLoops.load(x + index) - greatest)
      VectorLoops.store(value, y + index)
      sums += value
      index += 16
    }
    if index < size {
      let value = SIMDMath.exp(VectorLoops.loadTail(x + index, size - index) - greatest)
      VectorLoops.storeTail(value, y + index, size - index)
      for lane in 0..<(size - index) { sums[lane] += value[lane] }
    }
    return sums.sum()
  }

  @inline(__always)
  private func exponentialSum(_ x: UnsafePointer<Float>, _ greatest: Float) -> Float {
    var sums = V(repeating: 0)
    let whole = size & ~15
    var index = 0
    while index < whole {
      sums += SIMDMath.exp(VectorLoops.load(x + index) - greatest)
      index += 16
    }
    if index < size {
      let value = SIMDMath.exp(VectorLoops.loadTail(x + index, size - index) - greatest)
      for lane in 0..<(size - index) { sums[lane] += value[lane] }
    }
    return sums.sum()
  }

  /// Sixteen neighbouring rows of stride `inner` at a time.
  @inline(__always)
  private func columns(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    var column = 0
    while column < inner {
      let width = min(16, inner - column)
      var greatest = V(repeating: -.infinity)
      for index in 0..<size { greatest = SIMDMath.maximum(greatest, load(x + index * inner + column, width)) }
      var sums = V(repeating: 0)
      for index in 0..<size {
        let value = SIMDMath.exp(load(x + index * inner + column, width) - greatest)
        sums += value
        if kind == .softmax { store(value, y + index * inner + column, width) }
      }
      let last = kind == .softmax ? 1 / sums : greatest + SIMDMath.log(sums)
      for index in 0..<size {
        let position = index * inner + column
        let value = kind == .softmax ? load(UnsafePointer(y) + position, width) * last : load(x + position, width) - last
        store(value, y + position, width)
      }
      column += width
    }
  }

  @inline(__always) private func load(_ x: UnsafePointer<Float>, _ width: Int) -> V {
    width == 16 ? VectorLoops.load(x) : VectorLoops.loadTail(x, width)
  }

  @inline(__always) private func store(_ value: V, _ y: UnsafeMutablePointer<Float>, _ width: Int) {
    if width == 16 { VectorLoops.store(value, y) } else { VectorLoops.storeTail(value, y, width) }
  }

  private func slow<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
    var greatest = -T.infinity
    for index in 0..<size { greatest = ReduceLoops.greater(greatest, x[index * inner]) }
    var sum = 0.0
    for index in 0..<size { sum += Glibc.exp(Double(x[index * inner] - greatest)) }
    let logarithm = Glibc.log(sum)
    for index in 0..<size {
      let below = Double(x[index * inner] - greatest)
      y[index * inner] = T(kind == .softmax ? Glibc.exp(below) / sum : below - logarithm)
    }
  }

  // MARK: Gradients

  /// Leads a gradient from the output to the input: y (g − Σ g y) for softmax, g − e^y Σ g for its logarithm.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func gradient<T: Real>(
    output y: UnsafePointer<T>, _ g: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>, workers: Workers
  ) {
    workers.forEachRange(of: outer, grain: grain) { range in
      for index in range {
        let start = index * size * inner
        if T.self == Float.self, inner == 1 {
          let (y, g, x) = (VectorLoops.floats(y), VectorLoops.floats(g), VectorLoops.floats(x))
          gradientRow(y + start, g + start, x + start)
        } else {
          for column in 0..<inner { slowGradient(y + start + column, g + start + column, x + start + column) }
        }
      }
    }
  }

  @inline(__always)
  private func gradientRow(_ y: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>) {
    guard kind == .softmax else {
      let sum = ReduceLoops.row(.sum, g, size)
      return VectorLoops.zip(
        y, 1, g, 1, x, size, { $1 - SIMDMath.exp($0) * sum }, { $1 - Glibc.exp($0) * Double(sum) })
    }
    var sums = V(repeating: 0)
    let whole = size & ~15
    var index = 0
    while index < whole {
      sums += VectorLoops.load(y + index) * VectorLoops.load(g + index)
      index += 16
    }
    var sum = sums.sum()
    while index < size {
      sum += y[index] * g[index]
      index += 1
    }
    let total = sum
    VectorLoops.zip(y, 1, g, 1, x, size, { $0 * ($1 - total) }, { $0 * ($1 - Double(total)) })
  }

  private func slowGradient<T: Real>(_ y: UnsafePointer<T>, _ g: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>) {
    var sum: T = 0
    for index in 0..<size {
      sum += kind == .softmax ? y[index * inner] * g[index * inner] : g[index * inner]
    }
    for index in 0..<size {
      let (value, gradient) = (y[index * inner], g[index * inner])
      x[index * inner] = kind == .softmax ? value * (gradient - sum) : gradient - T(Glibc.exp(Double(value))) * sum
    }
  }
}
