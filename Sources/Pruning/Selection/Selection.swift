import Analysis
import Dimensions

/// Decides which channels of which groups stay.
public struct Selection: Sendable {
  public struct Decision: Sendable {
    /// Index into ``ModelAnalysis/groups``.
    public let group: Int
    /// Kept indices, ascending.
    public let keep: [Int32]
    /// How many the ratio alone would keep.
    public let asked: Int
  }

  public let decisions: [Decision]

  public init(
    analysis: ModelAnalysis, criterion: any Criterion, options: SelectionOptions, context: inout ScoringContext
  ) {
    let chosen = Self.chosen(analysis, options)
    decisions = chosen.compactMap { index in
      let group = analysis.groups[index]
      let asked = max(1, Int((Double(group.size) * (1 - options.ratio) - 1e-9).rounded(.up)))
      let count = Self.rounded(asked, of: group, analysis, options.roundTo)
      guard count < group.size else { return nil }
      let scores = criterion.scores(for: group, in: &context)
      // Equal scores keep the lower index, so that nothing depends on the order of a sort.
      let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
      return Decision(group: index, keep: order.prefix(count).sorted().map { Int32($0) }, asked: asked)
    }
  }

  /// Groups of the kinds asked for, one factor of each product where the user chose none.
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
    let priority: [DimensionKind] = [.keyValueGroup, .head, .expert, .channel, .feedForward, .hidden]
    let ranked = candidates.sorted { a, b in
      let (x, y) = (analysis.groups[a], analysis.groups[b])
      let (p, q) = (priority.firstIndex(of: x.kind) ?? 9, priority.firstIndex(of: y.kind) ?? 9)
      return (p, -x.size, a) < (q, -y.size, b)
    }
    var rivals: [DimensionID: Set<DimensionID>] = [:]
    for weight in analysis.weights {
      for axis in weight.axes { collectRivals(axis, analysis.dimensions, into: &rivals) }
    }
    var taken: Set<DimensionID> = []
    var result: [Int] = []
    for index in ranked {
      let dimension = analysis.groups[index].dimension
      guard rivals[dimension]?.isDisjoint(with: taken) ?? true else { continue }
      taken.insert(dimension)
      result.append(index)
    }
    return result.sorted()
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

  /// The kept number nearest to `asked` that makes the widths it is a factor of multiples of `multiple`.
  ///
  /// Small dimensions round to a smaller power of two: a multiple of 8 would keep most of 16 channels.
  private static func rounded(
    _ asked: Int, of group: PruningGroup, _ analysis: ModelAnalysis, _ multiple: Int
  ) -> Int {
    guard multiple > 1 else { return asked }
    var beside = Int.max
    for member in group.members {
      let axis = analysis.weights[member.weight].axes[member.axis]
      let factors = analysis.dimensions.factors(axis)
      guard factors.contains(where: { analysis.dimensions.root($0) == group.dimension }) else { continue }
      let others = factors.filter { analysis.dimensions.root($0) != group.dimension }
      beside = min(beside, others.compactMap { analysis.dimensions.size($0).known }.reduce(1, *))
    }
    if beside == Int.max { beside = 1 }
    var step = multiple / greatestCommonDivisor(multiple, beside)
    while step > 1, group.size < 8 * step { step /= 2 }
    guard step > 1 else { return asked }
    let below = asked / step * step
    let nearest = asked - below <= step - (asked - below) ? below : below + step
    return min(group.size, max(step, nearest))
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }

  public func keepSets(_ analysis: ModelAnalysis) -> KeepSets {
    var keep = KeepSets()
    for decision in decisions { keep[analysis.groups[decision.group].dimension] = decision.keep }
    return keep
  }
}
