import Analysis
import Pruning

extension Sensitivity {
  /// What rules make of the largest share of a group that changes the outputs little enough.
  public enum RuleForm: String, Sendable, CaseIterable {
    /// No more than that share goes: a bound for whatever target there is.
    case bounds
    /// Just that share goes, whatever the target, and nothing of groups that were not tried.
    case ratios
  }

  /// Rules that keep each group, alone, within an error.
  ///
  /// Of a group with no such share all channels stay. As ``RuleForm/ratios`` the rules say all there is to say: with
  /// them any ratio as ``SelectionOptions/target`` leads to the same channels, while a budget may be out of reach.
  ///
  /// - Parameters:
  ///   - points: what ``points(_:progress:)`` found, for all groups that may go.
  ///   - error: how far the outputs may change, as ``Point/outputError`` counts.
  /// - Returns: one rule a group, which only matches that group or stands before those of the others it matches: the
  ///   last one that matches a group holds.
  public func rules(_ points: [Point], within error: Double, as form: RuleForm = .bounds) -> [Rule] {
    let byGroup = Dictionary(grouping: points) { analysis.groups[$0.group].id }
    // A pattern also matches what is below the path it spells: what a name begins with comes before it.
    let ids = byGroup.keys.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
    let rules = ids.map { id -> Rule in
      let ratio = byGroup[id]?.largestRatio(within: error)
      return Rule([.group(Glob(literally: id))], ratio.map(form.action) ?? .keep)
    }
    // A rule that matches nothing in the model is an error.
    guard form == .ratios, !analysis.groups.isEmpty else { return rules }
    return [Rule([.group(Glob("**"))], .keep)] + rules
  }
}

extension Sensitivity.RuleForm {
  fileprivate func action(_ ratio: Double) -> Rule.Action {
    var limits = Rule.Limits()
    switch self {
    case .bounds: limits.maximumRatio = ratio
    case .ratios:
      limits.ratio = ratio
      // Rounded widths are not what was tried, and may be less.
      limits.roundTo = 1
    }
    return .cut(limits)
  }
}

extension Sequence where Element == Sensitivity.Point {
  /// The largest ratio tried that changes the outputs by no more than `error`; `nil` where none does. An error that is
  /// no number is larger than any.
  public func largestRatio(within error: Double) -> Double? {
    lazy.filter { $0.outputError <= error }.map(\.ratio).max()
  }
}
