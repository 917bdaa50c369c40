import Analysis

/// `obspa`: how much the outputs of the layers that read a channel change where the layers make up for its removal as
/// well as they can, summed over the layers (the optimal brain surgeon of Hassibi and Stork 1992 for whole channels; Wang
/// et al., "Structurally prune anything", 2024).
public struct OptimalBrainSurgeon: Criterion {
  public let name = "obspa"
  public let summary = "change of the readers' outputs after their best repair"
  public let measurements: Set<Measurement> = [.removalLosses]

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let readers = context.evidence.layers?.readers(of: group) ?? []
    let losses = readers.compactMap { context.evidence.removalLosses[$0]?[group.dimension] }
    guard !losses.isEmpty else {
      context.noteFallback(group, "obspa: no layer reads it, scored by l2")
      return try Magnitude(power: .square).scores(for: group, in: context)
    }
    return (0..<group.size).map { channel in Float(losses.reduce(0) { $0 + $1[channel] }) }
  }
}
