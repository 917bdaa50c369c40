import Glibc

/// How much of each budget a channel of a group uses up, and how that enters a ranking over several groups.
///
/// What is worth removing first is what saves much and matters little. Were scores the losses their removal causes,
/// score / cost would be the right order (the greedy solution of the knapsack). They are not: a normalised magnitude
/// says how a channel compares to the others of its group, all groups have the same mean, and costs of groups differ a
/// hundredfold, so that with the full quotient cost alone decides and dear groups are emptied down to their protection
/// before cheap ones lose anything. Without cost the cheap groups pay for what the dear ones could save. The root,
/// exponent ½, is the geometric mean of the two orders, and is what is used where nothing else is asked for.
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

  /// A score by which dear channels come before equally important cheap ones; negative scores are pushed down.
  func weighted(_ score: Double, of group: Int, rank: Int, exponent: Double) -> Double {
    guard score.isFinite, exponent > 0 else { return score }
    let beta = getenv("BETA").flatMap { Double(String(cString: $0)) } ?? 1
    let weight = power(weights[group], exponent) * pow(Double(rank + 1) / Double(sizes[group]), beta)
    return score >= 0 ? score / weight : score * weight
  }

  private func power(_ base: Double, _ exponent: Double) -> Double {
    exponent == 1 ? base : exponent == 0.5 ? base.squareRoot() : pow(base, exponent)
  }
}
