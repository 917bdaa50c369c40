import Glibc

/// How much of each budget a channel of a group uses up, and how that enters a ranking over several groups.
///
/// What goes first is what saves much and matters little. Were scores the losses their removal causes, score / cost
/// would be the order (the greedy solution of the knapsack). They are not: a normalised magnitude says how a channel
/// compares to the others of its group, all groups have the same mean, and costs of groups differ a hundredfold, so
/// that cost alone decides and dear groups are emptied down to their protection before cheap ones lose anything.
/// Without cost the cheap groups pay for what the dear ones could save. Hence two corrections:
///
///     score · (size / left) / cost^exponent
///
/// where `left` is how many channels of the group there still are: the more of a group is gone, the more the next one
/// matters, as it would if the damage of keeping a share s were −log s. Exponent ½, between both orders, is usual.
public struct CostWeighting: Sendable {
  public static let usualExponent = 0.5

  /// For each group the share of what is to be saved that one channel saves, relative to the largest.
  let weights: [Double]
  private let sizes: [Int]

  /// - Parameter excess: for each quantity that is limited how much has to go.
  init(_ model: CostModel, excess: [(quantity: Quantity, amount: Int)]) {
    var state = CostState(model, model.sizes)
    let whole = state.total
    sizes = model.sizes
    let weights = model.sizes.indices.map { group -> Double in
      state.set(group, to: model.sizes[group] - 1)
      let saved = whole - state.total
      state.set(group, to: model.sizes[group])
      return excess.reduce(0) { $0 + Double(saved.amount($1.quantity)) / Double(max($1.amount, 1)) }
    }
    let largest = weights.max() ?? 0
    self.weights = weights.map { largest > 0 ? max($0 / largest, 1e-9) : 1 }
  }

  /// A score by which dear channels go before equally important cheap ones; `rank` counts the channels of the group
  /// that matter more. Negative scores are pushed down by the same factor.
  func weighted(_ score: Double, of group: Int, rank: Int, exponent: Double) -> Double {
    guard score.isFinite, exponent > 0 else { return score }
    let weight = pow(weights[group], exponent) * Double(rank + 1) / Double(sizes[group])
    return score >= 0 ? score / weight : score * weight
  }
}
