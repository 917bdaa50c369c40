import Analysis
import Pruning
import Training

/// How much of a model training does without in the end.
public enum SparsityTarget: Sendable, Hashable {
  /// This share of all units, from 0 up to 1.
  case groupSparsity(Double)
  /// So many multiply-accumulate operations at most.
  case macs(Limit)
  /// So many parameters at most.
  case parameters(Limit)

  /// Of all units this share may go at most: a model is to be left.
  static let largestShare = 0.999

  /// The least share of each group that stays where none is given.
  var usualKeepShare: Double {
    switch self {
    case .groupSparsity(let share): (1 - min(share, Self.largestShare)) * 0.75
    case .macs, .parameters: 0.1
    }
  }

  var text: String {
    switch self {
    case .groupSparsity(let share): "sparsity \(share)"
    case .macs(let limit): "macs \(Self.text(limit))"
    case .parameters(let limit): "parameters \(Self.text(limit))"
    }
  }

  private static func text(_ limit: Limit) -> String {
    switch limit {
    case .fraction(let share): "\(share * 100) %"
    case .absolute(let count): "\(count)"
    }
  }

  /// - Throws: for a share or a limit that cannot be meant.
  func check() throws(TrainingError) {
    switch self {
    case .groupSparsity(let share):
      guard share >= 0, share < 1 else {
        throw TrainingError(.settings, "the group sparsity \(share) must be from 0 up to 1")
      }
    case .macs(.fraction(let share)), .parameters(.fraction(let share)):
      guard share > 0, share <= 1 else {
        throw TrainingError(.settings, "what is to be left, \(share), must be a share above 0 and at most 1")
      }
    case .macs, .parameters: break
    }
  }
}
