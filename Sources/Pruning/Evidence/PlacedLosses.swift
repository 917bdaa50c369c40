import Analysis
import Dimensions
import IR

/// Puts losses found for a model that was pruned before in the places that channels had in the whole model.
public struct PlacedLosses {
  private struct Place {
    let whole: DimensionID
    let size: Int
    /// Of the whole model's channels those that are left.
    let kept: [Int32]
    /// The group's dimension in the pruned model; `nil` where it is none any more, with one channel left.
    let own: DimensionID?
  }

  private let places: [Place]

  /// - Parameters:
  ///   - whole: before anything was removed.
  ///   - pruned: of the model that is measured; values have the numbers they had.
  ///   - keep: what was kept of the whole model.
  /// - Returns: `nil` where groups of both cannot be told to be the same.
  public init?(in whole: ModelAnalysis, of pruned: ModelAnalysis, keeping keep: KeepSets) {
    let dimensions = Self.correspondences(whole, pruned)
    let groups = Dictionary(uniqueKeysWithValues: pruned.groups.map { ($0.dimension, $0) })
    var places: [Place] = []
    for group in whole.groups {
      let kept = keep[group.dimension] ?? Array(0..<Int32(group.size))
      let own = dimensions[group.dimension].flatMap { groups[$0] }
      guard own.map({ $0.size == kept.count }) ?? (kept.count == 1) else { return nil }
      places.append(Place(whole: group.dimension, size: group.size, kept: kept, own: own?.dimension))
    }
    let found = places.compactMap(\.own)
    guard found.count == pruned.groups.count, Set(found).count == found.count else { return nil }
    self.places = places
  }

  /// The losses by the whole model's groups and channels. Those that went have none.
  public func callAsFunction(_ evidence: Evidence) -> Evidence {
    var placed = Evidence()
    for place in places {
      placed.removalLosses[place.whole] = losses(evidence.removalLosses, place)
      placed.stepwiseLosses[place.whole] = losses(evidence.stepwiseLosses, place)
    }
    return placed
  }

  private func losses(_ found: [DimensionID: [Double]], _ place: Place) -> [Double]? {
    guard !found.isEmpty else { return nil }
    var all = [Double](repeating: 0, count: place.size)
    guard let own = place.own else {
      // With the last channel of a group goes all that a reader makes.
      for index in place.kept { all[Int(index)] = 1 }
      return all
    }
    guard let losses = found[own] else { return nil }
    for (index, loss) in zip(place.kept, losses) { all[Int(index)] = loss }
    return all
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
