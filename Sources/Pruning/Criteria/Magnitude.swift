import Analysis
import Dimensions
import Kernels

/// The norm of a channel's weights (`l1`, `l2`): the mean over the members of the norm of each one's slice.
///
/// Vectors (biases, scales) ride along with the matrices that make the channel and are on a scale of their own, so
/// they count only where a group has nothing else.
public struct Magnitude: Criterion {
  let power: SliceSums.Power

  public var name: String { power == .square ? "l2" : "l1" }

  public func scores(for group: PruningGroup, in context: inout ScoringContext) -> [Float] {
    let weights = context.analysis.weights
    var members = group.members.filter { weights[$0.weight].tensor.shape.count(where: { $0 > 1 }) > 1 }
    if members.isEmpty { members = group.members }
    var scores = [Double](repeating: 0, count: group.size)
    for member in members {
      let sums = context.sliceSums(of: member.weight, power)[member.axis]
      let axis = weights[member.weight].axes[member.axis]
      guard let map = context.analysis.dimensions.indexMap(of: group.dimension, in: axis) else { continue }
      var slices = [Double](repeating: 0, count: group.size)
      for (index, channel) in map.enumerated() where channel >= 0 { slices[Int(channel)] += sums[index] }
      for index in slices.indices { scores[index] += power == .square ? slices[index].squareRoot() : slices[index] }
    }
    // What is not a number says nothing for its channel: it is ranked last.
    return scores.map { $0.isFinite ? Float($0 / Double(members.count)) : -1 }
  }
}
