import Analysis

/// `ziplm`: what each channel adds to the errors of the layers that read it where the channels go one after the other,
/// the least important first, and the layers make up for each before the next is chosen (Kurtic, Frantar and Alistarh,
/// "ZipLM", NeurIPS 2023).
///
/// Unlike `obspa` it sees that of two channels that can stand in for each other only one may go.
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
