import Analysis
import DataSources
import Dimensions
import Pruning
import Training

/// Chooses the units to go: those with the least saliency of all groups together.
struct UnitSelection {
  private let table: UnitTable
  private let analysis: ModelAnalysis
  private let costs: CostModel
  private let budget: Budget
  /// Kept sizes are multiples of this; groups of fewer units are left alone.
  private let roundTo: Int
  private let minimumKeepShare: Double
  private let groupOfUnit: [Int]

  private enum Budget {
    /// So many units go.
    case units(Int)
    /// So much of it is left at most.
    case cost(KeyPath<ModelStatistics, Int> & Sendable, name: String, most: Int)
  }

  init(_ table: UnitTable, _ analysis: ModelAnalysis, _ target: SparsityTarget, _ settings: HESSOSettings) {
    self.table = table
    self.analysis = analysis
    roundTo = settings.roundTo
    minimumKeepShare = settings.minimumKeepShare ?? target.usualKeepShare
    costs = CostModel(analysis)
    groupOfUnit = table.groupOfUnit
    let whole = costs.statistics(analysis.groups.map(\.size))
    budget =
      switch target {
      case .groupSparsity(let share):
        .units(Int((Double(table.count) * min(share, SparsityTarget.largestShare)).rounded(.down)))
      case .macs(let limit): .cost(\.macs, name: "MACs", most: Self.amount(limit, of: whole.macs))
      case .parameters(let limit):
        .cost(\.parameters, name: "parameters", most: Self.amount(limit, of: whole.parameters))
      }
  }

  private static func amount(_ limit: Limit, of whole: Int) -> Int {
    switch limit {
    case .fraction(let share): Int((Double(whole) * share).rounded(.down))
    case .absolute(let count): count
    }
  }

  /// - Throws: where there are no units, or the target asks for more than all that may go.
  func requireReachable() throws(TrainingError) {
    guard table.count > 0 else {
      let reasons = table.skipped.map { "\($0.label): \($0.reason)" }.prefix(3).joined(separator: "; ")
      throw TrainingError(
        .model, "nothing of the model can be trained away" + (reasons.isEmpty ? "" : " (\(reasons))"))
    }
    let limits =
      "of each group a share of \((minimumKeepShare * 1000).rounded() / 1000) and \(counted(roundTo, "unit")) stay at least"
    switch budget {
    case .units(let count):
      // What multiples keep beyond that lowers the target.
      let largest = table.groups.reduce(0) { $0 + most(of: $1.units.count) }
      guard largest < count else { return }
      throw TrainingError(
        .settings,
        "the target cannot be reached: \(count) of \(table.count) units are to go, \(largest) may (\(limits))")
    case .cost(let quantity, let name, let limit):
      let all = taken(
        table.count, in: Array(0..<table.count), gone: [Bool](repeating: false, count: table.count))
      let least = statistics(without: all)[keyPath: quantity]
      guard least > limit else { return }
      throw TrainingError(.settings, "the target cannot be reached: \(least) \(name) are left at least (\(limits))")
    }
  }

  // MARK: Choosing

  /// Whether each unit goes, of all that go in the end, the first `part` of `parts` parts. What has gone stays so;
  /// groups keep a unit at least, and whole multiples.
  func taken(_ saliency: [Double], gone: [Bool], part: Int, of parts: Int) -> [Bool] {
    let order = order(saliency, gone: gone)
    let total = total(order, gone: gone)
    return taken(part * total / parts, in: order, gone: gone)
  }

  /// Units that have gone already, then the others from the least saliency on; of equals the first.
  private func order(_ saliency: [Double], gone: [Bool]) -> [Int] {
    let ranks = saliency.indices.map { unit in
      // What is no number ranks last.
      gone[unit] ? -Double.infinity : saliency[unit].isNaN ? .infinity : saliency[unit]
    }
    return ranks.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
  }

  /// How many units go in the end.
  private func total(_ order: [Int], gone: [Bool]) -> Int {
    let (quantity, most): (KeyPath<ModelStatistics, Int>, Int)
    switch budget {
    case .units(let count): return count
    case .cost(let path, _, let limit): (quantity, most) = (path, limit)
    }
    // More units that go never make a model larger.
    var (low, high) = (0, table.count)
    while low < high {
      let middle = (low + high) / 2
      let cost = statistics(without: taken(middle, in: order, gone: gone))[keyPath: quantity]
      if cost <= most { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func taken(_ count: Int, in order: [Int], gone: [Bool]) -> [Bool] {
    var ofGroup = table.groups.map { _ in [Int]() }
    var left = count
    for unit in order where left > 0 {
      let group = groupOfUnit[unit]
      guard ofGroup[group].count < most(of: table.groups[group].units.count) else { continue }
      ofGroup[group].append(unit)
      left -= 1
    }
    var taken = gone
    for (group, units) in zip(table.groups, ofGroup) {
      let size = group.units.count
      // What is kept is rounded up.
      let kept = (size - units.count + roundTo - 1) / roundTo * roundTo
      for unit in units.prefix(max(0, size - kept)) { taken[unit] = true }
    }
    return taken
  }

  /// How many units of a group may go at most: one multiple is left, and the least share.
  private func most(of size: Int) -> Int {
    max(0, size - max(roundTo, Int((Double(size) * minimumKeepShare - 1e-9).rounded(.up))))
  }

  // MARK: What stays

  private func statistics(without gone: [Bool]) -> ModelStatistics {
    var counts = analysis.groups.map(\.size)
    for group in table.groups { counts[group.index] = group.units.count(where: { !gone[$0] }) }
    return costs.statistics(counts)
  }

  /// What stays of the model without some units.
  func keepSets(without gone: [Bool]) -> KeepSets {
    var keep = KeepSets()
    for group in table.groups where group.units.contains(where: { gone[$0] }) {
      let kept = group.units.filter { !gone[$0] }.map { Int32($0 - group.units.lowerBound) }
      keep[analysis.groups[group.index].dimension] = kept
    }
    return keep
  }
}
