import Analysis
import Dimensions

extension SelectionOptions {
  /// Measures what budgets of size have to know: what the files hold beside parameters, and how much longer the graph
  /// gets when these options cut it.
  ///
  /// The latter is found by cutting every group that may be cut in half: which constants and nodes are added depends
  /// on the groups alone. Nothing is read of the weights.
  /// - Parameter fileBytes: the bytes of all files of the model that keeps these channels.
  public mutating func measure(_ analysis: ModelAnalysis, fileBytes: (KeepSets) throws -> Int) throws {
    otherBytes = try fileBytes(KeepSets()) - ModelStatistics(analysis).bytes
    let matcher = try RuleMatcher(rules, analysis)
    let candidates = Candidates(analysis, self, rules: matcher).list.map { analysis.groups[$0.group] }
    var halves = KeepSets()
    for group in candidates { halves[group.dimension] = Array(0..<Int32((group.size + 1) / 2)) }
    let cut = try fileBytes(halves) - ModelStatistics(analysis, keeping: halves).bytes
    // What a pruned model says of where it comes from: a digest, the version and a number for each group.
    let provenance = candidates.reduce(256) { $0 + $1.id.utf8.count + 10 }
    addedBytes = max(cut - otherBytes, 0) + provenance
  }
}
