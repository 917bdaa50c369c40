import Dimensions

extension Plan {
  /// Scores the groups of a model and decides what stays.
  /// - Throws: ``PassError/nothingPruned(_:)`` where the options leave nothing to remove.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), options: SelectionOptions
  ) throws(PassError) {
    var context = ScoringContext(analysis: groups.analysis, seed: options.seed)
    let selection = Selection(
      analysis: groups.analysis, criterion: try scoring.criterion(), options: options, context: &context)
    guard !selection.decisions.isEmpty else { throw .nothingPruned("nothing to prune with these options") }
    self.init(selection: selection, analysis: groups.analysis, modelPath: "", modelDigest: "")
  }

  /// Removes a share of each group that is usually cut.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), ratio: Double, roundTo: Int = 8
  ) throws(PassError) {
    guard ratio > 0, ratio < 1 else { throw .usage("the ratio must be between 0 and 1, not \(ratio)") }
    guard roundTo > 0 else { throw .usage("widths are rounded to multiples of at least 1, not \(roundTo)") }
    var options = SelectionOptions(ratio: ratio)
    options.roundTo = roundTo
    try self.init(for: model, groups: groups, scoring: scoring, options: options)
  }
}

extension Model {
  /// Carries out a plan made for this model.
  /// - Throws: where the plan is for another model; this one is unchanged then.
  public mutating func apply(_ plan: Plan) throws {
    let analysis = try ModelAnalysis(self)
    var keep = KeepSets()
    for entry in plan.groups {
      guard let group = analysis.groups.first(where: { $0.id == entry.id }) else {
        throw PlanError("the model has no group \(entry.id)")
      }
      guard group.size == entry.size else {
        throw PlanError("group \(entry.id) has \(group.size) channels, the plan says \(entry.size)")
      }
      keep[group.dimension] = entry.keep
    }
    self = try keeping(keep, analysis: analysis)
    recordProvenance(source: plan.modelDigest, removed: plan.groups.map { ($0.id, $0.size - $0.keep.count) })
  }
}
