import Analysis

/// `bn-scale`: |γ| of the batch normalizations a channel goes through (Liu et al., "Network slimming", ICCV 2017).
///
/// Groups without batch normalization are scored by their L2 norm, and said so.
public struct BatchNormScale: MemberCriterion {
  public let name = "bn-scale"
  public let summary = "scale of the batch normalization after the channel"

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let scales = group.members.filter { isScale($0, context.analysis) }
    guard !scales.isEmpty else {
      context.noteFallback(group, "bn-scale: no batch normalization, scored by l2")
      return try Magnitude(power: .square).scores(for: group, in: context)
    }
    let scores = scales.compactMap { self.scores(of: $0, in: group, context: context) }
    return context.aggregation.combine(scores, count: group.size).map { Float($0) }
  }

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) -> [Double]? {
    context.channelSums(of: member, in: group, .absolute)
  }

  private func isScale(_ member: PruningGroup.Member, _ analysis: ModelAnalysis) -> Bool {
    analysis.weights[member.weight].readers.contains {
      $0.input == 1 && analysis.nodes[$0.node].opType == "BatchNormalization"
    }
  }
}
