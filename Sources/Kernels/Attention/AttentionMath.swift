import Glibc

/// Exponentials and softmax over rows.
enum AttentionMath {
  /// eˣ by 2ⁿ·p(r), x = n·ln 2 + r with |r| ≤ ln 2 / 2, and p the Taylor polynomial of degree 7; off by 2 ulp at most.
  /// What would underflow is zero.
  @inline(__always)
  static func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let isTiny = x .< -87
    let bounded = x.replacing(with: -87, where: isTiny).replacing(with: 88, where: x .> 88)
    // Adding 1.5·2²³ rounds to the nearest integer and leaves it in the lowest bits.
    let shifted = bounded * 1.442_695_04 + 12_582_912
    let n = shifted - 12_582_912
    let r = (bounded - n * 0.693_359_375) + n * 2.121_944_4e-4
    var p = r * (1 / 5040) + (1 / 720)
    p = p * r + (1 / 120)
    p = p * r + (1 / 24)
    p = p * r + (1 / 6)
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let exponents = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- 0x4B40_0000 &+ 127
    let power = unsafeBitCast(exponents &<< 23, to: SIMD8<Float>.self)
    return (p * power).replacing(with: 0, where: isTiny)
  }

  /// Weights from scores: xⱼ ← e^(xⱼ − max) / Σ; a row without finite scores gets zeros.
  static func softmax<T: Real>(_ row: UnsafeMutablePointer<T>, _ count: Int, sink: T?) {
    if T.self == Float.self {
      let row = UnsafeMutableRawPointer(row).assumingMemoryBound(to: Float.self)
      softmax(row, count, sink: sink.map { Float($0) })
    } else {
      let row = UnsafeMutableRawPointer(row).assumingMemoryBound(to: Double.self)
      softmax(row, count, sink: sink.map { Double($0) })
    }
  }

  private static func softmax(_ row: UnsafeMutablePointer<Float>, _ count: Int, sink: Float?) {
    let largest = max(maximum(row, count), sink ?? -.infinity)
    guard largest > -.infinity else { return row.update(repeating: 0, count: count) }
    var sums = SIMD8<Float>.zero
    let whole = count & ~7
    var index = 0
    while index < whole {
      let raw = UnsafeMutableRawPointer(row + index)
      let weights = exponential(raw.loadUnaligned(as: SIMD8<Float>.self) - largest)
      raw.storeBytes(of: weights, as: SIMD8<Float>.self)
      sums += weights
      index += 8
    }
    var sum = sums.sum()
    if index < count {
      var rest = SIMD8<Float>(repeating: -.infinity)
      for lane in 0..<(count - index) { rest[lane] = row[index + lane] - largest }
      let weights = exponential(rest)
      for lane in 0..<(count - index) {
        row[index + lane] = weights[lane]
        sum += weights[lane]
      }
    }
    if let sink { sum += expf(sink - largest) }
    let factor = 1 / sum
    for index in 0..<count { row[index] *= factor }
  }

  private static func maximum(_ row: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD8<Float>(repeating: -.infinity)
    let whole = count & ~7
    var index = 0
    while index < whole {
      let values = UnsafeRawPointer(row + index).loadUnaligned(as: SIMD8<Float>.self)
      lanes.replace(with: values, where: values .> lanes)
      index += 8
    }
    var largest = lanes.max()
    while index < count {
      largest = max(largest, row[index])
      index += 1
    }
    return largest
  }

  private static func softmax(_ row: UnsafeMutablePointer<Double>, _ count: Int, sink: Double?) {
    var largest = sink ?? -.infinity
    for index in 0..<count { largest = max(largest, row[index]) }
    guard largest > -.infinity else { return row.update(repeating: 0, count: count) }
    var sum = sink.map { exp($0 - largest) } ?? 0
    for index in 0..<count {
      row[index] = exp(row[index] - largest)
      sum += row[index]
    }
    for index in 0..<count { row[index] /= sum }
  }

  /// s ← c·tanh(s/c).
  static func cap<T: Real>(_ row: UnsafeMutablePointer<T>, _ count: Int, at bound: T) {
    for index in 0..<count { row[index] = bound * T(tanh(Double(row[index] / bound))) }
  }

  /// Σ aⱼ·bⱼ in eight sums.
  static func dot<T: Real>(_ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ count: Int) -> T {
    var sums = SIMD8<T>.zero
    let whole = count & ~7
    var index = 0
    while index < whole {
      let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<T>.self)
      let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<T>.self)
      sums += x * y
      index += 8
    }
    var sum = sums.sum()
    while index < count {
      sum += a[index] * b[index]
      index += 1
    }
    return sum
  }
}
