import Dimensions
import Runtime

/// Finds the groups whose removal is not the same as zeroing their slices, by removing one group at a time.
public enum GroupComparison {
  public struct Difference: Sendable {
    public let group: String
    /// Whether the analysis holds the removal for equal to zeroing.
    public let isExact: Bool
    public let maxRelativeError: Double
  }

  /// The groups that differ by more than a tolerance, in the model's order.
  public static func differences(
    _ model: Model, _ analysis: ModelAnalysis, removing keep: KeepSets, samples: some Collection<[String: Tensor]>,
    tolerance: Double
  ) throws -> [Difference] {
    var differences: [Difference] = []
    for group in analysis.groups {
      guard let kept = keep[group.dimension] else { continue }
      var alone = KeepSets()
      alone[group.dimension] = kept
      let zeroed = try model.zeroing(Plan.removals(analysis, alone))
      let pruned = try model.keeping(alone, analysis: analysis)
      let error = try OutputComparison(expected: zeroed, found: pruned, original: model, samples: samples)
        .maxRelativeError
      if !(error <= tolerance) {
        differences.append(Difference(group: group.id, isExact: group.isExact, maxRelativeError: error))
      }
    }
    return differences
  }
}
