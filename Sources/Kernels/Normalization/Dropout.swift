/// Dropout by numbers that follow from a seed and the place of an element alone: the same on any number of threads.
public enum DropoutKernel {
  /// y ← x·mask/(1 − ratio). `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, mask: UnsafeMutablePointer<UInt8>?, count: Int,
    ratio: Double, seed: UInt64, stream: UInt64, workers: Workers
  ) {
    let threshold = UInt64(min(max(ratio, 0), 1) * 4_294_967_296)
    let factor = T(ratio < 1 ? 1 / (1 - ratio) : 0)
    let start = mix(mix(seed &+ increment) ^ (stream &* increment))
    workers.forEachRange(of: count, grain: 65_536) { range in
      for index in range {
        let random = mix(start &+ UInt64(truncatingIfNeeded: index) &* increment)
        let keeps = (random >> 32) >= threshold
        y[index] = keeps ? x[index] * factor : 0
        mask?[index] = keeps ? 1 : 0
      }
    }
  }

  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The mixing of SplitMix64 (Steele, Lea, Flood 2014). Seed and stream are mixed first, so that neighbouring ones do
  /// not give shifted sequences.
  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
