import Analysis

extension SelectionOptions {
  /// The groups these options let channels go from, as indices into ``ModelAnalysis/groups``, ascending.
  /// - Throws: for a rule that matches nothing in the model.
  public func candidateGroups(in analysis: ModelAnalysis) throws(SelectionError) -> [Int] {
    let matcher = try RuleMatcher(rules, analysis)
    return Candidates(analysis, self, rules: matcher).list.map(\.group)
  }
}
