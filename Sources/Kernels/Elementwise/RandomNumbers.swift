import Glibc

/// Random numbers by their position: a hash of a seed and the position, so that threads need not share a generator and
/// every run draws the same ones. The hash is SplitMix64's (Steele, Lea and Flood 2014).
public struct RandomNumbers: Sendable {
  private let key: UInt64

  public init(seed: UInt64, stream: UInt64) {
    key = Self.mix(Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ stream &* 0xd6e8_feb8_6659_fd93)
  }

  @inline(__always) private static func mix(_ state: UInt64) -> UInt64 {
    var state = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    state = (state ^ (state >> 27)) &* 0x94d0_49bb_1331_11eb
    return state ^ (state >> 31)
  }

  /// From zero up to one, which is left out.
  public func uniform(_ index: Int) -> Double {
    let bits = Self.mix(key &+ UInt64(bitPattern: Int64(index)) &* 0x9e37_79b9_7f4a_7c15)
    return Double(bits >> 11) * 0x1p-53
  }

  /// Of mean zero and deviation one (Box and Muller 1958).
  public func normal(_ index: Int) -> Double {
    let radius = (-2 * log(1 - uniform(2 * index))).squareRoot()
    return radius * cos(2 * .pi * uniform(2 * index + 1))
  }
}
