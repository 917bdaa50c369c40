/// Which elements dropout keeps: a hash of a seed and the position, so that backward finds what forward did and threads
/// need not share a generator.
public struct RandomMask: Sendable {
  private let key: UInt32
  private let threshold: UInt32

  /// - Parameter ratio: The share that is dropped; none where it is not a number.
  public init(seed: UInt64, stream: UInt64, ratio: Double) {
    var state = (seed ^ 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9 &+ stream &* 0x94d0_49bb_1331_11eb
    state = (state ^ (state >> 31)) &* 0xd6e8_feb8_6659_fd93
    key = UInt32(truncatingIfNeeded: state >> 32) ^ UInt32(truncatingIfNeeded: state)
    threshold = ratio > 0 ? UInt32(min(ratio, 1) * 0x1p31) : 0
  }

  /// A finalizer of 32 bits: every bit of the position reaches every bit of the result.
  @inline(__always) private func keeps(_ index: Int) -> Bool {
    var hash = UInt32(truncatingIfNeeded: index) &* 0x9e37_79b1 ^ key
    hash = (hash ^ (hash >> 16)) &* 0x85eb_ca6b
    hash = (hash ^ (hash >> 13)) &* 0xc2b2_ae35
    hash = hash ^ (hash >> 16)
    return hash >> 1 >= threshold
  }

  /// Scales what is kept and zeros what is not.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ range: Range<Int>, scale: T
  ) {
    for index in range { y[index] = keeps(index) ? x[index] * scale : 0 }
  }

  public func write(_ mask: UnsafeMutablePointer<UInt8>, _ range: Range<Int>) {
    for index in range { mask[index] = keeps(index) ? 1 : 0 }
  }
}
