import Analysis

/// `wanda`: weights times what they are multiplied by, Σ over readers of Σⱼ ‖xⱼ‖ · meanᵢ |Wᵢⱼ| over the columns j that
/// a channel owns (Sun et al., "A simple and effective pruning approach for large language models", ICLR 2024; for
/// channels, as An et al., AAAI 2024, compare against: the mean over rows, and sums over what goes together).
///
/// ‖xⱼ‖ is the root of the mean square, so that the number of samples does not matter; of a kernel all elements count.
public struct Wanda: Criterion {
  public let name = "wanda"
  public let summary = "magnitude of the weights times that of what they read"
  public var measurements: Set<Measurement> { [.inputStatistics] }

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let readers = context.measuredReaders(of: group)
    guard !readers.isEmpty else { return try context.scoresWithoutReaders(of: group, for: self) }
    let scores = readers.map { reader -> [Double] in
      let rows = Double(context.rowCount(of: reader.layer))
      let terms = zip(context.columnSums(of: reader.layer, .absolute), reader.statistics.meanSquare).map {
        $0 / rows * $1.squareRoot()
      }
      return reader.sums(group.size, of: terms)
    }
    return Aggregation.sum.combine(scores, count: group.size).map { Float($0) }
  }
}
