import Coppice

/// What the analysis found, what it had to leave and why, and what else is worth knowing, in the manner of compilers.
struct Remarks {
  let analysis: ModelAnalysis

  /// One line a remark: `passed`, `missed` or `analysis`, then where, then what.
  var lines: [String] { passed + missed + notes }

  /// What can be pruned.
  private var passed: [String] {
    analysis.groups.map { group in
      let effect = group.isExact ? "removing equals zeroing" : "removing is approximate"
      return "passed: \(group.id): \(group.size) in \(group.members.count) places; \(effect)"
    }
  }

  /// What cannot, by node.
  private var missed: [String] {
    Barrier.largest(analysis, .max).filter { !$0.isNatural }.map { "missed: \($0.line)" }
  }

  private var notes: [String] {
    var lines = Barrier.largest(analysis, .max).filter(\.isNatural).map { "analysis: \($0.line)" }
    for group in analysis.groups {
      for cause in group.approximations {
        let place = cause.node.map { "\(analysis.nodes[$0].opType) \(analysis.nodes[$0].label)" } ?? "graph"
        lines.append("analysis: \(place): makes \(group.id) approximate: \(cause.reason)")
      }
    }
    var uses: [String: Int] = [:]
    for weight in analysis.weights where weight.use != nil { uses[weight.name, default: 0] += 1 }
    for (name, count) in uses.sorted(by: { $0.key < $1.key }) where count > 1 {
      lines.append("analysis: tensor \(name): shared by \(count) nodes, each use is cut on its own")
    }
    return lines
  }
}
