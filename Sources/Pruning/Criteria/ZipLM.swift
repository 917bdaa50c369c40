import Analysis

/// `ziplm`: the same as `obspa` where channels go one after the other, or of wide groups in 64 parts, and layers make up
/// for each before the next is chosen (Kurtic, Frantar and Alistarh, "ZipLM", NeurIPS 2023).
public struct ZipLM: Criterion {
  public let name = "ziplm"
  public let summary = "the same where channels go one after the other"
  public let measurements: Set<Measurement> = [.stepwiseLosses]
  public var usualNormalization: ScoreNormalization { .none }
  public var usualCostExponent: Double { 1 }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    try context.losses(context.evidence.stepwiseLosses, of: group, by: name)
  }
}
