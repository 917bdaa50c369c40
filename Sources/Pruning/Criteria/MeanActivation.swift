import Analysis

/// `activation`: the mean magnitude E|x| of a channel as the layers that read it see it, after normalization and
/// activation function (Molchanov et al., "Pruning convolutional neural networks for resource efficient inference",
/// ICLR 2017, section 2.2, with magnitudes so that signs do not cancel).
///
/// A channel with several positions in a layer's input, such as a head, has the mean over them; several layers' means
/// are put together by the aggregation the user chose.
public struct MeanActivation: Criterion {
  public let name = "activation"
  public let summary = "mean magnitude of the channel's values"
  public var measurements: Set<Measurement> { [.inputStatistics] }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let readers = context.measuredReaders(of: group)
    guard !readers.isEmpty else { return try context.scoresWithoutReaders(of: group, for: self) }
    let scores = readers.map { $0.means(group.size, of: $0.statistics.meanMagnitude) }
    return context.aggregation.combine(scores, count: group.size).map { Float($0) }
  }
}
