/// Samples to train with, and others to validate with.
public struct SampleSplit: Sendable, Equatable {
  public var training: [Int]
  public var validation: [Int]

  /// Chooses at random, the same with the same seed.
  /// - Parameter share: how much of the samples validates, from 0 to below 1; at least one sample does unless it is 0,
  ///   and at least one trains.
  public init(count: Int, validationShare share: Double, seed: UInt64) throws(DataError) {
    guard share >= 0, share < 1 else {
      throw .setting(name: "validation share", reason: "\(share) is not from 0 to below 1")
    }
    let wanted = share == 0 ? 0 : max(1, Int((Double(count) * share).rounded()))
    let number = min(wanted, max(0, count - 1))
    // Far from every epoch, so that no epoch's order repeats the choice.
    var random = CounterRandom(seed: seed, -1)
    let order = random.permutation(count)
    validation = order.prefix(number).sorted()
    training = order.dropFirst(number).sorted()
  }
}
