import Analysis
import Dimensions

extension Plan {
  /// The plan with other channels kept of the same groups, which its record says.
  /// - Parameter analysis: of the model the plan is for.
  public func keeping(_ keep: KeepSets, of analysis: ModelAnalysis) -> Plan { Plan(self, keeping: keep, analysis) }

  private init(_ plan: Plan, keeping keep: KeepSets, _ analysis: ModelAnalysis) {
    let known = Dictionary(analysis.groups.map { ($0.id, $0) }) { first, _ in first }
    modelPath = plan.modelPath
    modelDigest = plan.modelDigest
    var revised = plan.record
    revised.isRefined = true
    record = revised
    groups = plan.groups.map { entry in
      guard let group = known[entry.id], let kept = keep[group.dimension] else { return entry }
      return Group(group, keep: kept, asked: entry.asked)
    }
    removed = Self.removals(analysis, keep)
    before = plan.before
    after = ModelStatistics(analysis, keeping: keep)
  }
}
