/// Finds how many channels of each group stay so that every budget holds and as little as possible goes.
///
/// First a binary search for the smallest share that is enough; then, because widths are rounded and many groups may
/// step together, groups get channels back one step at a time, those first that rounding took most from, until nothing
/// more fits or a budget is used up to a quarter of a percent of the original.
struct BudgetSearch {
  let model: CostModel
  let budgets: [(quantity: Quantity, limit: Int)]
  /// Bytes beside the parameter tensors, of a model that was cut.
  let otherBytes: Int
  /// How many of them pruning added.
  let addedBytes: Int
  /// The groups that are cut, by position: index of the group and bounds.
  let groups: [Int]
  let bounds: [GroupBounds]
  let sets: RankedSets

  private static let tolerance = 0.0025

  /// Kept numbers by position, as the share alone has them and as they were chosen.
  func run() throws(SelectionError) -> (asked: [Int], kept: [Int]) {
    let resolution = sets.resolution
    var low = 0
    var high = resolution
    if holdsAlready { return (bounds.map(\.available), bounds.map(\.available)) }
    guard holds(state(share: 1).total) else { throw unsatisfiable() }
    while low < high {
      let middle = (low + high) / 2
      if holds(state(share: Double(middle) / Double(resolution)).total) { high = middle } else { low = middle + 1 }
    }
    let asked = sets.kept(share: Double(high) / Double(resolution))
    var state = state(share: Double(high) / Double(resolution))
    giveBack(to: &state, asked: asked)
    return (asked, groups.map { state.counts[$0] })
  }

  /// Checks that the budgets can be held at all, whatever the scores are.
  func requireReachable() throws(SelectionError) {
    guard holdsAlready || holds(state(share: 1).total) else { throw unsatisfiable() }
  }

  /// Whether nothing more has to go. A model that is still whole has none of the bytes that cutting adds.
  private var holdsAlready: Bool {
    var counts = model.sizes
    for (group, bounds) in zip(groups, bounds) { counts[group] = bounds.available }
    let bytes = counts == model.sizes ? otherBytes - addedBytes : otherBytes
    return holds(CostState(model, counts).total, bytes) && bounds.allSatisfy { $0.exact == nil }
  }

  private func state(share: Double) -> CostState {
    var counts = model.sizes
    for (position, asked) in sets.kept(share: share).enumerated() {
      counts[groups[position]] = bounds[position].rounded(asked)
    }
    return CostState(model, counts)
  }

  private func holds(_ cost: ModelStatistics, _ otherBytes: Int? = nil) -> Bool {
    budgets.allSatisfy { cost.amount($0.quantity, otherBytes: otherBytes ?? self.otherBytes) <= $0.limit }
  }

  /// Whether some budget is used up to the tolerance.
  private func isTight(_ cost: ModelStatistics, _ original: ModelStatistics) -> Bool {
    budgets.contains { budget in
      let slack = budget.limit - cost.amount(budget.quantity, otherBytes: otherBytes)
      return Double(slack) <= Self.tolerance * Double(original.amount(budget.quantity, otherBytes: otherBytes))
    }
  }

  private func giveBack(to state: inout CostState, asked: [Int]) {
    let original = CostState(model, model.sizes).total
    var candidates = Set(groups.indices)
    func shortage(_ position: Int) -> Double {
      Double(asked[position] - state.counts[groups[position]]) / Double(bounds[position].size)
    }
    while !isTight(state.total, original),
      let position = candidates.max(by: { (shortage($0), $1) < (shortage($1), $0) })
    {
      let (group, count) = (groups[position], state.counts[groups[position]])
      guard let next = bounds[position].above(count) else {
        candidates.remove(position)
        continue
      }
      state.set(group, to: next)
      // What does not fit now will not fit later, when there is less room.
      if !holds(state.total) {
        state.set(group, to: count)
        candidates.remove(position)
      }
    }
  }

  private func unsatisfiable() -> SelectionError {
    let (least, original) = (state(share: 1).total, CostState(model, model.sizes).total)
    let missed = budgets.map { budget in
      (
        quantity: budget.quantity, limit: budget.limit,
        nearest: least.amount(budget.quantity, otherBytes: otherBytes),
        original: original.amount(budget.quantity, otherBytes: otherBytes)
      )
    }
    return .unsatisfiable(missed.filter { $0.nearest > $0.limit })
  }
}

extension ModelStatistics {
  /// The amount of a quantity; sizes count what the files hold beside parameter tensors too.
  func amount(_ quantity: Quantity, otherBytes: Int = 0) -> Int {
    switch quantity {
    case .macs: macs
    case .parameters: parameters
    case .size: bytes + otherBytes
    }
  }
}
