import Analysis
import Dimensions

/// Decides which channels of which groups stay.
public struct Selection: Sendable {
  public struct Decision: Sendable {
    /// Index into ``ModelAnalysis/groups``.
    public let group: Int
    /// Kept indices, ascending.
    public let keep: [Int32]
    /// How many would stay but for rounding.
    public let asked: Int
  }

  /// What scoring the groups that are cut has told.
  struct Scores: Sendable {
    let rankings: [Ranking]
    let nonFiniteTensors: [String]
    let fallbacks: [(reason: String, groups: [String])]
  }

  let scores: Scores
  /// The groups that lose channels.
  public let decisions: [Decision]
  /// What was asked for and what came of it.
  public let record: SelectionRecord
  /// Tensors that hold numbers that are not finite; their channels ranked last.
  public internal(set) var nonFiniteTensors: [String]
  /// What users should know about how channels were scored, a sentence each.
  public let remarks: [String]

  /// Scores the channels of an analysed model and chooses those that stay.
  ///
  /// - Parameters:
  ///   - evidence: what the criterion's measurements found.
  ///   - round: which of several rounds this is, and which channels those before it left; see ``PruningRounds``. Only
  ///     these are compared and may stay. Shares, ratios and rounding refer to the widths of the whole model, which the
  ///     analysis is of; what is gone must have been chosen with the same options.
  ///   - scored: called after each group with how many of how many are scored.
  /// - Throws: ``SelectionError`` for options that contradict themselves or the model, and what the criterion throws.
  public init(
    analysis: ModelAnalysis, scoring: Scoring, options: SelectionOptions, evidence: Evidence = .none,
    round: PruningRound = .only, scored: (_ groups: Int, _ all: Int) throws -> Void = { _, _ in }
  ) throws {
    try self.init(
      analysis: analysis, scoring: scoring, options: options, evidence: evidence, round: round, reusing: nil,
      scored: scored)
  }

  /// - Parameter known: scores of the same channels, which are then not worked out anew.
  init(
    analysis: ModelAnalysis, scoring: Scoring, options: SelectionOptions, evidence: Evidence, round: PruningRound,
    reusing known: Scores?, scored: (_ groups: Int, _ all: Int) throws -> Void
  ) throws {
    try options.validate()
    let matcher = try RuleMatcher(options.rules, analysis)
    let candidates = Candidates(analysis, options, rules: matcher).list
    let model = CostModel(analysis)
    let found = try known ?? Self.scores(candidates, analysis, scoring, evidence, round, scored)
    let rankings = found.rankings
    let bounds = Self.bounds(candidates, analysis, options, round)
    let budgets = Self.budgets(options, model, round)
    let exponent = options.costExponent ?? scoring.criterion.usualCostExponent
    let sets = Self.sets(rankings, bounds, analysis, options, model, budgets, exponent)
    let asked: [Int]
    let kept: [Int]
    switch options.target {
    case .ratio(let ratio):
      let share = round.ratio(towards: ratio)
      let left = sets.kept(share: share)
      kept = zip(bounds, left).map { $0.rounded($1) }
      // Of a group by itself the whole width says what is asked for, also where rounding took more in earlier rounds.
      asked = options.effectiveScope == .group ? zip(bounds, left).map { max($1, $0.asked(share: share)) } : left
    case .budgets:
      let search = Self.search(budgets, candidates, options, model, bounds, sets)
      if round.isLast {
        (asked, kept) = try search.run()
      } else {
        // Where rounding lets an intermediate budget be missed, the next round has it to do.
        let left = bounds.map(\.available)
        (asked, kept) = (try? search.run()) ?? (asked: left, kept: left)
      }
    }
    decisions = rankings.indices.compactMap { position in
      guard kept[position] < bounds[position].size else { return nil }
      return Decision(
        group: rankings[position].group, keep: rankings[position].best(kept[position]),
        asked: bounds[position].exact ?? asked[position])
    }
    record = SelectionRecord(
      scoring: scoring, normalization: scoring.effectiveNormalization, options: options,
      groupsMatched: matcher.groupsMatched, budgets: budgets,
      after: model.statistics(Self.counts(model, rankings, kept)),
      otherBytes: options.otherBytes + (decisions.isEmpty ? 0 : options.addedBytes), rounds: round.count)
    scores = found
    nonFiniteTensors = found.nonFiniteTensors
    remarks =
      found.fallbacks.map { reason, groups in
        "\(reason): \(groups.count) of \(candidates.count) groups, such as \(groups[0])"
      }
      + zip(options.rules, matcher.groupsMatched).filter { $1 == 0 }.map {
        "rule \($0.0.text) matches nothing that can be cut"
      }
  }

  private static func scores(
    _ candidates: [Candidates.Candidate], _ analysis: ModelAnalysis, _ scoring: Scoring, _ evidence: Evidence,
    _ round: PruningRound, _ scored: (_ groups: Int, _ all: Int) throws -> Void
  ) throws -> Scores {
    let found = try scoring.scores(
      of: candidates.map(\.group), in: analysis, evidence: evidence, alive: round.alive, scored: scored)
    let rankings = found.entries.map { entry -> Ranking in
      let dimension = analysis.groups[entry.group].dimension
      let weight = evidence.groupWeights[dimension] ?? 1
      return Ranking(
        group: entry.group, scores: entry.normalized.map { $0 * weight }, alive: round.alive[dimension])
    }
    return Scores(rankings: rankings, nonFiniteTensors: found.nonFiniteTensors, fallbacks: found.fallbacks)
  }

  /// Checks options, and that budgets can be held at all, whatever the scores are: before anything is measured.
  static func check(_ options: SelectionOptions, on analysis: ModelAnalysis) throws {
    try options.validate()
    let matcher = try RuleMatcher(options.rules, analysis)
    guard case .budgets = options.target else { return }
    let candidates = Candidates(analysis, options, rules: matcher).list
    let model = CostModel(analysis)
    let limits = bounds(candidates, analysis, options, .only)
    // All that may go goes in any order, and from one set of groups as from several.
    let rankings = candidates.map { candidate in
      Ranking(
        group: candidate.group, scores: [Double](repeating: 0, count: analysis.groups[candidate.group].size))
    }
    let sets = RankedSets(rankings, bounds: limits, sets: [Array(rankings.indices)]) { _, _, score in score }
    try search(budgets(options, model, .only), candidates, options, model, limits, sets).requireReachable()
  }

  private static func search(
    _ budgets: [(quantity: Quantity, limit: Int, original: Int)], _ candidates: [Candidates.Candidate],
    _ options: SelectionOptions, _ model: CostModel, _ bounds: [GroupBounds], _ sets: RankedSets
  ) -> BudgetSearch {
    BudgetSearch(
      model: model, budgets: budgets.map { ($0.quantity, $0.limit) },
      otherBytes: options.otherBytes + options.addedBytes, addedBytes: options.addedBytes,
      groups: candidates.map(\.group), bounds: bounds, sets: sets)
  }

  private static func counts(_ model: CostModel, _ rankings: [Ranking], _ kept: [Int]) -> [Int] {
    var counts = model.sizes
    for (ranking, count) in zip(rankings, kept) { counts[ranking.group] = count }
    return counts
  }

  private static func bounds(
    _ candidates: [Candidates.Candidate], _ analysis: ModelAnalysis, _ options: SelectionOptions, _ round: PruningRound
  ) -> [GroupBounds] {
    candidates.map { candidate in
      let group = analysis.groups[candidate.group]
      var limits = candidate.limits
      limits.ratio = limits.ratio.map { round.ratio(towards: $0) }
      return GroupBounds(
        group, analysis, options: options, limits: limits, alive: round.alive[group.dimension]?.count)
    }
  }

  private static func budgets(
    _ options: SelectionOptions, _ model: CostModel, _ round: PruningRound
  ) -> [(quantity: Quantity, limit: Int, original: Int)] {
    guard case .budgets(let budgets) = options.target else { return [] }
    let whole = model.statistics(model.sizes)
    return budgets.map { budget in
      let original = whole.amount(budget.quantity, otherBytes: options.otherBytes)
      return (budget.quantity, round.amount(from: original, towards: budget.limit.amount(of: original)), original)
    }
  }

  /// The groups that are ranked together, and how their channels compare.
  private static func sets(
    _ rankings: [Ranking], _ bounds: [GroupBounds], _ analysis: ModelAnalysis, _ options: SelectionOptions,
    _ model: CostModel, _ budgets: [(quantity: Quantity, limit: Int, original: Int)], _ exponent: Double
  ) -> RankedSets {
    let sets: [[Int]]
    switch options.effectiveScope {
    case .group: sets = rankings.indices.map { [$0] }
    case .global: sets = [Array(rankings.indices)]
    case .isomorphic: sets = GroupShape.sets(rankings.map { analysis.groups[$0.group] }, analysis)
    }
    let excess = budgets.map { ($0.quantity, max($0.original - $0.limit, 0)) }.filter { $0.1 > 0 }
    guard options.effectiveScope == .global, !excess.isEmpty, exponent > 0 else {
      return RankedSets(rankings, bounds: bounds, sets: sets) { _, _, score in score }
    }
    let weighting = CostWeighting(model, excess: excess)
    return RankedSets(rankings, bounds: bounds, sets: sets) { position, rank, score in
      weighting.weighted(score, of: rankings[position].group, rank: rank, exponent: exponent)
    }
  }

  public func keepSets(_ analysis: ModelAnalysis) -> KeepSets {
    var keep = KeepSets()
    for decision in decisions { keep[analysis.groups[decision.group].dimension] = decision.keep }
    return keep
  }
}
