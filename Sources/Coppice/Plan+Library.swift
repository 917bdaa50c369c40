extension Plan {
  /// Scores the groups of a model and decides what stays.
  ///
  /// Criteria that look at more than weights need a ``PrunePass``.
  /// - Parameter rounds: how often channels are scored and a part of them removed.
  /// - Throws: ``SelectionError`` for options that contradict themselves or the model, ``PassError/nothingPruned(_:)``
  ///   where they leave nothing to remove, ``PlanError`` where several rounds find weights that names do not tell
  ///   apart, and what a criterion throws.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), options: SelectionOptions,
    rounds: Int = 1
  ) throws {
    let selection = try PruningRounds(rounds, of: model, groups.analysis).select(scoring: scoring, options: options)
    self.init(selection: selection, analysis: groups.analysis)
    guard !self.groups.isEmpty else { throw PassError.nothingPruned("nothing to prune with these options") }
  }

  /// Scores the groups that are usually cut and removes what the target asks for.
  /// - Throws: as with options.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), target: Target, roundTo: Int = 8,
    rounds: Int = 1
  ) throws {
    var options = SelectionOptions(target)
    options.roundTo = roundTo
    try self.init(for: model, groups: groups, scoring: scoring, options: options, rounds: rounds)
  }
}

extension Model {
  /// Carries out a plan made for this model; ``PruneCalibration/carryOut(keep:groups:by:on:_:in:)`` repairs its layers
  /// too.
  /// - Throws: where the plan is for another model; this one is unchanged then.
  public mutating func apply(_ plan: Plan) throws {
    let analysis = try ModelAnalysis(self)
    self = try keeping(try plan.keepSets(analysis), analysis: analysis)
    recordProvenance(of: plan.groups)
    if !plan.modelDigest.isEmpty {
      metadata += Self.sourceEntries(model: plan.modelDigest, plan: plan.digest)
    }
  }
}
