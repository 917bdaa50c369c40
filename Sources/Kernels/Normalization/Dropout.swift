/// Dropout by numbers that follow from a seed and the place of an element alone: the same on any number of threads.
public enum DropoutKernel {
  /// y ← x·mask/(1 − ratio). `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, mask: UnsafeMutablePointer<UInt8>?, count: Int,
    ratio: Double, seed: UInt64, workers: Workers
  ) {
    let threshold = UInt64(min(max(ratio, 0), 1) * 4_294_967_296)
    let factor = T(ratio < 1 ? 1 / (1 - ratio) : 0)
    workers.forEachRange(of: count, grain: 65_536) { range in
      for index in range {
        let keeps = (random(seed, UInt64(truncatingIfNeeded: index)) >> 32) >= threshold
        y[index] = keeps ? x[index] * factor : 0
        mask?[index] = keeps ? 1 : 0
      }
    }
  }

  /// dx ← dy·mask/(1 − ratio). `output` may be `gradient`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ gradient: UnsafePointer<T>, mask: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<T>, count: Int,
    ratio: Double, workers: Workers
  ) {
    let factor = T(ratio < 1 ? 1 / (1 - ratio) : 0)
    workers.forEachRange(of: count, grain: 65_536) { range in
      for index in range { output[index] = mask[index] != 0 ? gradient[index] * factor : 0 }
    }
  }

  /// SplitMix64 (Steele, Lea, Flood 2014) at a place of its sequence; the seed is mixed first so that neighbouring seeds
  /// do not give shifted sequences.
  @inline(__always)
  private static func random(_ seed: UInt64, _ index: UInt64) -> UInt64 {
    mix(mix(seed &+ 0x9E37_79B9_7F4A_7C15) &+ index &* 0x9E37_79B9_7F4A_7C15)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
