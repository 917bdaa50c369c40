import Analysis

/// `hessian`: ½Σ θ²·h over everything a channel owns, where h is the diagonal of the loss's Hessian, estimated by
/// Hutchinson's method: the saliency of optimal brain damage (LeCun et al., 1989).
///
/// The estimates enter with the sign they come with: their errors, which are as often negative as positive, cancel in
/// the sum over a channel, where magnitudes would add up to a bias that grows with its size. A channel with a negative
/// sum lies where the loss curves down, and goes first.
public struct HessianDiagonal: ElementCriterion {
  public let name = "hessian"
  public let summary = "squared weights times the curvature of the loss"
  public var measurement: Measurement { .hessianDiagonal }
  public var term: ElementTerm { .square }

  public init() {}

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) throws -> [Double]? {
    context.elementSums(of: member, in: group, term, measurement)?.map { $0 / 2 }
  }
}
