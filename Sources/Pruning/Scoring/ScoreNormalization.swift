/// How the scores of a group are made comparable to those of others. It never changes the order inside a group.
///
/// Where every group loses the same share the choice is irrelevant. Where channels of all groups are ranked together
/// the mean is safe: unnormalised scores are dominated by groups with many or large weights and empty the others.
public enum ScoreNormalization: String, Sendable, CaseIterable {
  case none
  /// s / Σ|s|: favours cutting wide groups.
  case sum
  /// s / mean |s|.
  case mean
  /// s / max |s|.
  case max
  /// (s − mean) / standard deviation.
  case standardise
  /// s² over the sum of the squares of all scores of the group that are not smaller (Lee et al., "Layer-adaptive
  /// sparsity for the magnitude-based pruning", ICLR 2021, equation 4). Negative scores count as zero.
  case lamp

  /// The normalised scores; what is not finite becomes −∞, so that it ranks last.
  public func apply(_ scores: [Float]) -> [Double] {
    let finite = scores.lazy.filter(\.isFinite).map { Double($0) }
    let count = Double(Swift.max(finite.reduce(0) { total, _ in total + 1 }, 1))
    let magnitude = finite.reduce(0) { $0 + abs($1) }
    switch self {
    case .none: return Self.scaled(scores, by: 1)
    case .sum: return Self.scaled(scores, by: magnitude)
    case .mean: return Self.scaled(scores, by: magnitude / count)
    case .max: return Self.scaled(scores, by: finite.reduce(0) { Swift.max($0, abs($1)) })
    case .standardise:
      let mean = finite.reduce(0, +) / count
      let deviation = (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
      return scores.map { $0.isFinite ? (Double($0) - mean) / (deviation > 0 ? deviation : 1) : -.infinity }
    case .lamp: return Self.layerAdaptive(scores)
    }
  }

  /// The same for the channels that there still are, with what is gone left out of sums, means and the like: a removed
  /// channel scores zero, and would make those beside it look large.
  /// - Parameter alive: their indices; `nil` for all.
  /// - Returns: one number for each score, −∞ for what is gone.
  public func apply(_ scores: [Float], to alive: [Int32]?) -> [Double] {
    guard let alive else { return apply(scores) }
    var result = [Double](repeating: -.infinity, count: scores.count)
    for (channel, score) in zip(alive, apply(alive.map { scores[Int($0)] })) { result[Int(channel)] = score }
    return result
  }

  private static func scaled(_ scores: [Float], by norm: Double) -> [Double] {
    scores.map { $0.isFinite ? Double($0) / (norm > 0 ? norm : 1) : -.infinity }
  }

  static func layerAdaptive(_ scores: [Float]) -> [Double] {
    var result = [Double](repeating: -.infinity, count: scores.count)
    var sum = 0.0
    // Of equal scores the one with the lower index counts as the larger, as it does in every ranking.
    for index in scores.indices.filter({ scores[$0].isFinite }).sorted(by: { (scores[$0], $1) > (scores[$1], $0) }) {
      let square = Double(Swift.max(scores[index], 0)) * Double(Swift.max(scores[index], 0))
      sum += square
      result[index] = sum > 0 ? square / sum : 0
    }
    return result
  }
}
