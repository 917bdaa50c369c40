import Analysis
import Kernels

/// `fpgm`: how far a filter is from the others, Σⱼ ‖wᵢ − wⱼ‖₂ (He et al., "Filter pruning via geometric median", CVPR
/// 2019): what lies near the geometric median the others can stand in for.
///
/// The filters are the rows that make the channels; readers count only where the user says so.
public struct GeometricMedian: MemberCriterion {
  public let name = "fpgm"
  public let summary = "distance to the other filters"
  public var usualMembers: MemberScope { .producers }

  public init() {}

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) throws -> [Double]? {
    guard let channels = context.channels(of: member, in: group) else { return nil }
    let tensor = context.analysis.weights[member.weight].tensor
    let matrix = tensor.withFloats {
      SliceMatrix(of: $0, shape: tensor.shape, axis: member.axis, channels: channels, rows: group.size)
    }
    guard let matrix = matrix ?? nil else { return nil }
    let sums = try DistanceSums.sums(of: matrix)
    if sums.contains(where: { !$0.isFinite }) { context.noteNonFinite(member.weight) }
    return sums
  }
}
