import Pruning

extension Measuring {
  /// What the channels are like that each linear layer reads, by index into its layers.
  func inputStatistics(_ progress: Progress) throws -> [Int: ChannelStatistics] {
    [:]
  }
}
