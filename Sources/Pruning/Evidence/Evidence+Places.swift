import Analysis
import Dimensions
import IR

extension Evidence {
  /// The losses found for a model that was pruned before, in the places of the whole model's channels; those that went
  /// are given none.
  /// - Parameters:
  ///   - whole: before anything was removed.
  ///   - pruned: of the model that was measured; values have the numbers they had.
  ///   - keep: what was kept of the whole model.
  /// - Returns: `nil` where groups of both cannot be told to be the same.
  public func losses(
    inPlacesOf whole: ModelAnalysis, from pruned: ModelAnalysis, keeping keep: KeepSets
  ) -> Evidence? {
    let dimensions = Self.correspondences(whole, pruned)
    let groups = Dictionary(uniqueKeysWithValues: pruned.groups.map { ($0.dimension, $0) })
    var placed = Evidence()
    var count = 0
    for group in whole.groups {
      guard let own = dimensions[group.dimension].flatMap({ groups[$0] }) else { continue }
      let kept = keep[group.dimension] ?? Array(0..<Int32(group.size))
      guard own.size == kept.count else { return nil }
      func spread(_ losses: [Double]) -> [Double] {
        var all = [Double](repeating: 0, count: group.size)
        for (index, loss) in zip(kept, losses) { all[Int(index)] = loss }
        return all
      }
      placed.removalLosses[group.dimension] = removalLosses[own.dimension].map(spread)
      placed.stepwiseLosses[group.dimension] = stepwiseLosses[own.dimension].map(spread)
      count += 1
    }
    return count == pruned.groups.count ? placed : nil
  }

  /// For each dimension of a model's values the one that stands in its place after pruning: values have the same axes,
  /// made up of as many dimensions. Those that two stand for are left out.
  private static func correspondences(
    _ whole: ModelAnalysis, _ pruned: ModelAnalysis
  ) -> [DimensionID: DimensionID] {
    var found: [DimensionID: DimensionID] = [:]
    var ambiguous: Set<DimensionID> = []
    for (axes, others) in zip(whole.axes, pruned.axes) {
      guard let axes, let others, axes.count == others.count else { continue }
      for (axis, other) in zip(axes, others) {
        let leaves = whole.dimensions.leaves(axis.dimension)
        let others = pruned.dimensions.leaves(other.dimension)
        for (leaf, other) in zip(leaves, others) where leaves.count == others.count {
          if let known = found[leaf], known != other { ambiguous.insert(leaf) }
          found[leaf] = other
        }
      }
    }
    return found.filter { !ambiguous.contains($0.key) }
  }
}
