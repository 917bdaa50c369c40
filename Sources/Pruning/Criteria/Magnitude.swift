import Analysis
import Kernels

/// The norm of a channel's weights (`l1`, `l2`): of each weight Σ|x| or √Σx² over the channel's slice.
///
/// With the usual aggregation this is the mean over the matrices of the norm of each one's slice, the group norm of
/// Fang et al., "DepGraph" (CVPR 2023), up to where the root is taken. Vectors (biases, scales) ride along with the
/// matrices that make the channel and are on a scale of their own, so they count only where a group has nothing else.
public struct Magnitude: MemberCriterion {
  let power: SliceSums.Power

  public init(power: SliceSums.Power) { self.power = power }

  public var name: String { power == .square ? "l2" : "l1" }
  public var summary: String { power == .square ? "Euclidean norm of the weights" : "sum of the weights' magnitudes" }

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) -> [Double]? {
    let sums = context.channelSums(of: member, in: group, power)
    return power == .square ? sums?.map { $0.squareRoot() } : sums
  }
}
