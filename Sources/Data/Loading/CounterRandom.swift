/// Random numbers that depend on nothing but a seed and the place they are drawn for.
///
/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014), started at a hash of
/// the place: what one sample draws is independent of how many were drawn before, so that work that is taken up again
/// in the middle goes on exactly.
public struct CounterRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// - Parameter place: what the numbers are for, such as an epoch and a sample.
  public init(seed: UInt64, _ place: Int...) {
    state = Self.mix(seed &+ Self.increment)
    for part in place { state = Self.mix(state ^ Self.mix(UInt64(bitPattern: Int64(part)) &+ Self.increment)) }
  }

  private static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  public mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  /// A number below `bound`, each as likely (Lemire: "Fast random integer generation in an interval", 2019).
  ///
  /// Spelled out instead of taken from the standard library, whose way of drawing may change between versions.
  public mutating func number(below bound: Int) -> Int {
    precondition(bound > 0)
    let bound = UInt64(bound)
    var (high, low) = next().multipliedFullWidth(by: bound)
    if low < bound {
      let threshold = (0 &- bound) % bound
      while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
    }
    return Int(high)
  }

  /// The numbers below `count` in an order each of which is as likely (Fisher–Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<count)
    shuffle(&result)
    return result
  }

  public mutating func shuffle(_ values: inout [Int]) {
    guard values.count > 1 else { return }
    for last in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(last, number(below: last + 1)) }
  }
}
