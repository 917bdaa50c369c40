import Analysis
import Kernels

/// `fpgm`: how far a filter is from the others, Σⱼ ‖wᵢ − wⱼ‖₂ (He et al., "Filter pruning via geometric median", CVPR
/// 2019): what lies near the geometric median the others can stand in for.
///
/// The filters are the rows that make the channels; readers count only where the user says so. What earlier rounds
/// removed is none of the others.
public struct FPGM: MemberCriterion {
  public let name = "fpgm"
  public let summary = "distance to the other filters"
  public var usualMembers: MemberScope { .producers }

  public init() {}

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) throws -> [Double]? {
    guard let channels = context.channels(of: member, in: group) else { return nil }
    let tensor = context.analysis.weights[member.weight].tensor
    let alive = context.alive[group.dimension] ?? Array(0..<Int32(group.size))
    var rows = [Int32](repeating: -1, count: group.size)
    for (row, channel) in alive.enumerated() { rows[Int(channel)] = Int32(row) }
    let places = channels.map { $0 >= 0 ? rows[Int($0)] : -1 }
    let matrix = tensor.withWeights {
      SliceMatrix(of: $0, shape: tensor.shape, axis: member.axis, channels: places, rows: alive.count)
    }
    guard let matrix = matrix ?? nil else { return nil }
    let sums = try DistanceSums.sums(of: matrix)
    if sums.contains(where: { !$0.isFinite }) { context.noteNonFinite(member.weight) }
    var scores = [Double](repeating: 0, count: group.size)
    for (channel, sum) in zip(alive, sums) { scores[Int(channel)] = sum }
    return scores
  }
}
