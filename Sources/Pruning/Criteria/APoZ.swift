import Analysis

/// `apoz`: the share of a channel's values that are not zero where layers read it, 1 − APoZ (Hu et al., "Network
/// trimming: a data-driven neuron pruning approach towards efficient deep architectures", 2016), so that the channels
/// with the highest average percentage of zeros go first.
///
/// It tells channels apart behind activation functions with exact zeros, such as ReLU; elsewhere all score 1.
public struct APoZ: Criterion {
  public let name = "apoz"
  public let summary = "share of the channel's values that are not zero"
  public var measurements: Set<Measurement> { [.inputStatistics] }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let readers = context.measuredReaders(of: group)
    guard !readers.isEmpty else { return try context.scoresWithoutReaders(of: group, for: self) }
    let scores = readers.map { $0.means(group.size, of: $0.statistics.zeroShare.map { 1 - $0 }) }
    return context.aggregation.combine(scores, count: group.size).map { Float($0) }
  }
}
