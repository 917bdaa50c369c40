import Analysis
import Dimensions

/// The groups that are cut at all, with the rule that holds for each.
struct Candidates {
  struct Candidate {
    /// Index into ``ModelAnalysis/groups``.
    let group: Int
    let rule: Int?
    let limits: Rule.Limits
  }

  let list: [Candidate]

  /// Groups of the kinds asked for, one factor of each product where the user chose none, less those a rule keeps,
  /// and those a rule gives a ratio of their own.
  init(_ analysis: ModelAnalysis, _ options: SelectionOptions, rules: RuleMatcher) {
    let chosen = Set(Self.chosen(analysis, options))
    list = analysis.groups.indices.compactMap { group in
      guard analysis.groups[group].isExact || !options.exactOnly else { return nil }
      guard let rule = rules.ruleOfGroup[group] else {
        return chosen.contains(group) ? Candidate(group: group, rule: nil, limits: Rule.Limits()) : nil
      }
      guard case .cut(let limits) = options.rules[rule].action else { return nil }
      guard chosen.contains(group) || limits.ratio != nil else { return nil }
      return Candidate(group: group, rule: rule, limits: limits)
    }
  }

  private static func chosen(_ analysis: ModelAnalysis, _ options: SelectionOptions) -> [Int] {
    let kinds: Set<DimensionKind>
    switch options.kinds {
    case .usual: kinds = SelectionOptions.usualKinds
    case .all: kinds = Set(DimensionKind.allCases)
    case .only(let list): kinds = list
    }
    let candidates = analysis.groups.indices.filter {
      kinds.contains(analysis.groups[$0].kind) && (analysis.groups[$0].isExact || !options.exactOnly)
    }
    guard options.kinds == .usual else { return candidates }
    // Of an axis that is a product a factor goes that the ratio takes something of: of 2 groups of 4 heads a third
    // leaves both groups.
    func isTooSmall(_ size: Int) -> Bool {
      guard case .ratio(let ratio) = options.target else { return false }
      return GroupBounds.ceiling(Double(size) * (1 - ratio)) >= size
    }
    let priority: [DimensionKind] = [.keyValueGroup, .head, .expert, .channel, .feedForward, .hidden]
    let ranked = candidates.sorted { a, b in
      let (x, y) = (analysis.groups[a], analysis.groups[b])
      let (p, q) = (priority.firstIndex(of: x.kind) ?? 9, priority.firstIndex(of: y.kind) ?? 9)
      let (r, s) = (isTooSmall(x.size) ? 1 : 0, isTooSmall(y.size) ? 1 : 0)
      return (r, p, -x.size, a) < (s, q, -y.size, b)
    }
    var rivals: [DimensionID: Set<DimensionID>] = [:]
    for weight in analysis.weights {
      for axis in weight.axes { collectRivals(axis, analysis.dimensions, into: &rivals) }
    }
    var taken: Set<DimensionID> = []
    return ranked.filter { index in
      let dimension = analysis.groups[index].dimension
      guard rivals[dimension]?.isDisjoint(with: taken) ?? true else { return false }
      taken.insert(dimension)
      return true
    }
  }

  /// For every leaf, the leaves of the other factors of products it stands in.
  private static func collectRivals(
    _ axis: DimensionID, _ table: DimensionTable, into rivals: inout [DimensionID: Set<DimensionID>]
  ) {
    guard let binding = table.binding(axis) else { return }
    if case .product(let factors) = binding {
      let leaves = factors.map { Set(table.leaves($0)) }
      for (index, own) in leaves.enumerated() {
        for (other, others) in leaves.enumerated() where other != index {
          for leaf in own { rivals[leaf, default: []].formUnion(others.subtracting([leaf])) }
        }
      }
    }
    for part in binding.parts { collectRivals(part, table, into: &rivals) }
  }
}
