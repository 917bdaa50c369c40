import Analysis

/// `lamp`: the squared L2 norm of a channel over the sum of the squares of all channels of its group that are not
/// smaller (Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning", ICLR 2021, for channels).
///
/// The largest channel of every group scores 1, so that no group is emptied before the others.
public struct LAMP: Criterion {
  public let name = "lamp"
  public let summary = "squared norm against those of the group's larger channels"
  public var usualNormalization: ScoreNormalization { .none }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    ScoreNormalization.layerAdaptive(try Magnitude(power: .square).scores(for: group, in: context)).map { Float($0) }
  }
}
