import Analysis

/// Finds the rule that holds for each group.
struct RuleMatcher {
  private let analysis: ModelAnalysis

  /// For each group the index of its rule, `nil` where none matches.
  let ruleOfGroup: [Int?]
  /// For each rule how many groups it matches, whether it holds for them or not.
  let groupsMatched: [Int]

  /// - Throws: for a rule that matches nothing in the model.
  init(_ rules: [Rule], _ analysis: ModelAnalysis) throws(SelectionError) {
    self.analysis = analysis
    var ruleOfGroup = [Int?](repeating: nil, count: analysis.groups.count)
    var counts: [Int] = []
    for (index, rule) in rules.enumerated() {
      let groups = analysis.groups.indices.filter { group in
        rule.matches.allSatisfy { Self.matches($0, analysis.groups[group], analysis) }
      }
      for group in groups { ruleOfGroup[group] = index }
      counts.append(groups.count)
      if groups.isEmpty { try Self.requireTarget(rule, analysis) }
    }
    self.ruleOfGroup = ruleOfGroup
    groupsMatched = counts
  }

  private static func matches(_ match: Rule.Match, _ group: PruningGroup, _ analysis: ModelAnalysis) -> Bool {
    switch match {
    case .group(let glob): return glob.matches(group.id)
    case .kinds(let kinds): return kinds.contains(group.kind)
    default: return group.members.contains { matches(match, analysis.weights[$0.weight], analysis) }
    }
  }

  private static func matches(_ match: Rule.Match, _ weight: Weight, _ analysis: ModelAnalysis) -> Bool {
    func readers(_ holds: (AnalyzedNode) -> Bool) -> Bool {
      weight.readers.contains { holds(analysis.nodes[$0.node]) }
    }
    switch match {
    case .name(let glob): return glob.matches(weight.name) || readers { glob.matches($0.label) }
    case .tensor(let glob): return glob.matches(weight.name)
    case .node(let glob): return readers { glob.matches($0.label) }
    case .operators(let types): return readers { types.contains($0.opType) }
    case .group, .kinds: return false
    }
  }

  // MARK: Rules that match no group

  /// A rule may concern what cannot be cut anyway, but not what is not there.
  private static func requireTarget(_ rule: Rule, _ analysis: ModelAnalysis) throws(SelectionError) {
    for match in rule.matches {
      let (glob, names): (Glob?, [String])
      switch match {
      case .name(let pattern): (glob, names) = (pattern, nodeNames(analysis) + tensorNames(analysis))
      case .node(let pattern): (glob, names) = (pattern, nodeNames(analysis))
      case .tensor(let pattern): (glob, names) = (pattern, tensorNames(analysis))
      case .group(let pattern): (glob, names) = (pattern, analysis.groups.map(\.id))
      case .operators(let types):
        let known = Set(analysis.nodes.map(\.opType))
        if types.contains(where: known.contains) { continue }
        let near = types.lazy.compactMap { Suggestion.nearest(to: $0, among: known.sorted()) }.first
        throw .matchesNothing(rule: rule.text, suggestion: near.map { "op=\($0)" })
      case .kinds(let kinds):
        let known = Set(analysis.groups.map(\.kind))
        if kinds.contains(where: known.contains) { continue }
        let list = known.map(\.rawValue).sorted().joined(separator: ",")
        throw .matchesNothing(rule: rule.text, suggestion: list.isEmpty ? nil : "kind=\(list)")
      }
      guard let glob, !names.contains(where: glob.matches) else { continue }
      throw .matchesNothing(rule: rule.text, suggestion: suggestion(for: glob.pattern, among: names))
    }
  }

  private static func nodeNames(_ analysis: ModelAnalysis) -> [String] { analysis.nodes.map(\.label) }
  private static func tensorNames(_ analysis: ModelAnalysis) -> [String] { analysis.weights.map(\.name) }

  /// The nearest name, or beginning of a name up to one of its slashes and dots, to a pattern less its stars.
  private static func suggestion(for pattern: String, among names: [String]) -> String? {
    var stem = Substring(pattern)
    while let last = stem.last, "*/.".contains(last) { stem.removeLast() }
    var candidates: Set<String> = []
    for name in names.prefix(20_000) {
      candidates.insert(name)
      for index in name.indices where "/.".contains(name[index]) && index != name.startIndex {
        candidates.insert(String(name[..<index]))
      }
    }
    return Suggestion.nearest(to: String(stem), among: candidates.sorted())
  }
}
