import Dimensions
import Glibc

/// One of several rounds of pruning: how far it goes, and what those before it left.
///
/// Round t of N goes the share t/N of the way on a logarithmic scale, so that every round keeps the same share of what
/// the one before it kept. The last goes just as far as was asked for.
public struct PruningRound: Sendable {
  /// From 1 on.
  public let number: Int
  /// How many there are.
  public let count: Int
  /// The channels that earlier rounds left, by their groups' dimensions; of the others all are there.
  public let alive: KeepSets

  /// - Precondition: `number` is from 1 to `count`.
  public init(number: Int, of count: Int, alive: KeepSets = KeepSets()) {
    precondition(number >= 1 && number <= count, "there is no such round")
    self.number = number
    self.count = count
    self.alive = alive
  }

  /// Everything at once.
  public static let only = PruningRound(number: 1, of: 1)

  public var isLast: Bool { number == count }

  /// What is done in this round, for people: `round 2 of 5: scoring`, or `scoring` where there is one round only.
  public func describing(_ work: String) -> String { count > 1 ? "round \(number) of \(count): \(work)" : work }

  /// The round after this one; the last is followed by itself.
  func next(alive: KeepSets) -> PruningRound { PruningRound(number: min(number + 1, count), of: count, alive: alive) }

  /// The share of the original to remove by the end of this round, 1 − (1 − r)^(t/N).
  func ratio(towards ratio: Double) -> Double { isLast ? ratio : 1 - pow(1 - ratio, progress) }

  /// The most there may be of a quantity after this round, a · (b/a)^(t/N), between what the original has and what is
  /// asked for in the end.
  func amount(from original: Int, towards limit: Int) -> Int {
    // Of a limit that holds already, and of one beyond what numbers tell apart, nothing is to be interpolated.
    guard !isLast, limit < original else { return limit }
    let amount = Double(original) * pow(Double(max(limit, 0)) / Double(original), progress)
    return min(original, max(limit, Int(exactly: amount.rounded(.down)) ?? original))
  }

  private var progress: Double { Double(number) / Double(count) }
}
