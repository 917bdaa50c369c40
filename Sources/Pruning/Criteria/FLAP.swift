import Analysis

/// `flap`: how much the layers that read a channel would miss its fluctuation, Σ over readers of Var(xⱼ) · ‖W₍:,ⱼ₎‖²
/// over the columns j it owns (An et al., "Fluctuation-based adaptive structured pruning for large language models",
/// AAAI 2024). Its mean is left out: a bias can stand in for that.
///
/// Heads have the mean over their width. Scores are standardised in each group, after which channels of all groups are
/// ranked together.
public struct FLAP: Criterion {
  public let name = "flap"
  public let summary = "variance of the channel times the squared norm of the weights that read it"
  public var measurements: Set<Measurement> { [.inputStatistics] }
  public var usualNormalization: ScoreNormalization { .standardise }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let readers = context.measuredReaders(of: group)
    guard !readers.isEmpty else { return try context.scoresWithoutReaders(of: group, for: self) }
    let isHead = group.kind == .head || group.kind == .keyValueGroup
    let scores = readers.map { reader -> [Double] in
      let terms = zip(context.columnSums(of: reader.layer, .square), reader.statistics.variance).map { $0 * $1 }
      return isHead ? reader.means(group.size, of: terms) : reader.sums(group.size, of: terms)
    }
    return Aggregation.sum.combine(scores, count: group.size).map { Float($0) }
  }
}
