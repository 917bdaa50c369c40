/// Sums of shifted runs, and sums of their products.
enum ShiftedSums {
  /// Elements computed at once: sums may be written up to this far past their end.
  static let block = 32

  /// sums[i] ← Σ weights[t] · sources[t][i]
  @inline(__always)
  static func sum<T: Real>(
    _ sources: UnsafePointer<UnsafePointer<T>>, _ weights: UnsafePointer<T>, taps: Int,
    _ sums: UnsafeMutablePointer<T>, count: Int
  ) {
    var index = 0
    while index < count {
      var (a, b, c, d) = (SIMD8<T>(), SIMD8<T>(), SIMD8<T>(), SIMD8<T>())
      for tap in 0..<taps {
        let weight = SIMD8<T>(repeating: weights[tap])
        let source = sources[tap] + index
        a += Runs.load(source, SIMD8<T>.self) * weight
        b += Runs.load(source + 8, SIMD8<T>.self) * weight
        c += Runs.load(source + 16, SIMD8<T>.self) * weight
        d += Runs.load(source + 24, SIMD8<T>.self) * weight
      }
      Runs.store(a, sums + index)
      Runs.store(b, sums + (index + 8))
      Runs.store(c, sums + (index + 16))
      Runs.store(d, sums + (index + 24))
      index += block
    }
  }

  /// sums[t] ← sums[t] + Σ run[i] · sources[t][i] for up to three t. `run` is zero up to the end of its block.
  @inline(__always)
  static func addProducts<T: Real>(
    _ run: UnsafePointer<T>, count: Int, taps: Int, to sums: UnsafeMutablePointer<T>,
    _ source: (Int) -> UnsafePointer<T>
  ) {
    let first = source(0)
    let second = source(min(1, taps - 1))
    let third = source(taps - 1)
    var (a, b, c) = (SIMD8<T>(), SIMD8<T>(), SIMD8<T>())
    var (d, e, f) = (SIMD8<T>(), SIMD8<T>(), SIMD8<T>())
    var index = 0
    while index < count {
      let low = Runs.load(run + index, SIMD8<T>.self)
      let high = Runs.load(run + (index + 8), SIMD8<T>.self)
      a += Runs.load(first + index, SIMD8<T>.self) * low
      b += Runs.load(second + index, SIMD8<T>.self) * low
      c += Runs.load(third + index, SIMD8<T>.self) * low
      d += Runs.load(first + (index + 8), SIMD8<T>.self) * high
      e += Runs.load(second + (index + 8), SIMD8<T>.self) * high
      f += Runs.load(third + (index + 8), SIMD8<T>.self) * high
      index += 16
    }
    sums[0] += (a + d).sum()
    if taps > 1 { sums[1] += (b + e).sum() }
    if taps > 2 { sums[2] += (c + f).sum() }
  }
}
