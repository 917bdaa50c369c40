import Analysis
import Dimensions

/// Groups with the scores of their channels.
public struct ScoredGroups: Sendable {
  public struct Entry: Sendable {
    /// Index into ``ModelAnalysis/groups``.
    public let group: Int
    /// The criterion's own, one a channel.
    public let scores: [Float]
    /// The same made comparable to those of other groups: −∞ for what is no finite number, and for what is gone.
    public let normalized: [Double]
  }

  public let entries: [Entry]
  /// Tensors that hold numbers that are not finite, in the order they were met.
  public let nonFiniteTensors: [String]
  /// Groups that the criterion could not score its own way, by what it did instead.
  public let fallbacks: [(reason: String, groups: [String])]
}

extension Scoring {
  /// How groups are made comparable: as was asked for, or as is usual for the criterion.
  var effectiveNormalization: ScoreNormalization { normalization ?? criterion.usualNormalization }

  /// Scores the channels of some groups.
  ///
  /// - Parameters:
  ///   - groups: indices into ``ModelAnalysis/groups``, in the order they are scored.
  ///   - evidence: what the criterion's measurements found. How much groups count, ``Evidence/groupWeights``, is left
  ///     to those who rank channels of several groups.
  ///   - alive: the channels that earlier rounds of pruning left; of the groups that are not in it all are there.
  ///   - scored: called after each group with how many of how many are scored.
  /// - Throws: what the criterion and `scored` throw.
  public func scores(
    of groups: [Int], in analysis: ModelAnalysis, evidence: Evidence = .none, alive: KeepSets = KeepSets(),
    scored: (_ groups: Int, _ all: Int) throws -> Void = { _, _ in }
  ) throws -> ScoredGroups {
    let context = ScoringContext(
      analysis: analysis, seed: seed, aggregation: aggregation, members: members, evidence: evidence, alive: alive)
    let normalization = effectiveNormalization
    let entries = try groups.enumerated().map { done, index -> ScoredGroups.Entry in
      let group = analysis.groups[index]
      let scores = try criterion.scores(for: group, in: context)
      try scored(done + 1, groups.count)
      return ScoredGroups.Entry(
        group: index, scores: scores, normalized: normalization.apply(scores, to: alive[group.dimension]))
    }
    return ScoredGroups(
      entries: entries, nonFiniteTensors: context.nonFiniteTensors, fallbacks: context.fallbacks)
  }
}
