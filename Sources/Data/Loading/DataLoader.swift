import IR

/// Where a run is in its data. Saved and restored, the batches that follow are the same.
public struct DataPosition: Sendable, Equatable, Codable {
  public var epoch: Int
  /// Batches of the epoch that have been used.
  public var step: Int

  public init(epoch: Int = 0, step: Int = 0) {
    self.epoch = epoch
    self.step = step
  }
}

/// Samples that are worked on together.
public struct Batch: Sendable {
  /// Where the batch is; the position after it is that of the next batch.
  public var position: DataPosition
  public var next: DataPosition
  /// The numbers of the samples in the data.
  public var samples: [Int]
  public var tensors: [String: Tensor]
}

/// Divides samples into batches, in an order that is drawn anew for every epoch.
///
/// What comes where follows from the seed, the epoch and the step alone.
public struct DataLoader: Sendable {
  public let dataset: any Dataset
  public let samples: [Int]
  public let batchSize: Int
  public let isShuffled: Bool
  public let dropsLast: Bool
  public let seed: UInt64

  /// - Parameters:
  ///   - samples: those to use; `nil` for all.
  ///   - isShuffled: whether the order is drawn for every epoch; otherwise it is that of the data.
  ///   - dropsLast: whether a last batch that is not full is left out.
  public init(
    _ dataset: any Dataset, samples: [Int]? = nil, batchSize: Int, isShuffled: Bool, dropsLast: Bool = false,
    seed: UInt64 = 0
  ) throws(DataError) {
    guard batchSize > 0 else { throw .setting(name: "batch", reason: "\(batchSize) is not positive") }
    let samples = samples ?? Array(0..<dataset.count)
    guard samples.allSatisfy({ (0..<dataset.count).contains($0) }) else {
      throw .setting(name: "samples", reason: "\(dataset.source) has \(dataset.count), and not all of those asked for")
    }
    guard !samples.isEmpty else { throw .empty(source: dataset.source) }
    guard !dropsLast || samples.count >= batchSize else {
      throw .setting(
        name: "batch", reason: "\(batchSize) is more than the \(samples.count) samples of \(dataset.source)")
    }
    self.dataset = dataset
    self.samples = samples
    self.batchSize = batchSize
    self.isShuffled = isShuffled
    self.dropsLast = dropsLast
    self.seed = seed
  }

  public var batchesPerEpoch: Int {
    dropsLast ? samples.count / batchSize : (samples.count + batchSize - 1) / batchSize
  }

  /// The samples of an epoch in their order.
  public func order(epoch: Int) -> [Int] {
    guard isShuffled else { return samples }
    var order = samples
    var random = CounterRandom(seed: seed, Self.orderMark, epoch)
    random.shuffle(&order)
    return order
  }

  /// Tells orders apart from what else is drawn by epochs: `orde` in ASCII.
  private static let orderMark = 0x6f72_6465

  /// One batch, made now.
  /// - Precondition: the step is below ``batchesPerEpoch``.
  public func batch(at position: DataPosition) throws(DataError) -> Batch {
    try batch(at: position, order: order(epoch: position.epoch))
  }

  func batch(at position: DataPosition, order: [Int]) throws(DataError) -> Batch {
    let start = position.step * batchSize
    let chosen = Array(order[start..<min(order.count, start + batchSize)])
    let tensors = try dataset.batch(indices: chosen, epoch: position.epoch)
    return Batch(position: position, next: self.position(after: position), samples: chosen, tensors: tensors)
  }

  func position(after position: DataPosition) -> DataPosition {
    position.step + 1 < batchesPerEpoch
      ? DataPosition(epoch: position.epoch, step: position.step + 1) : DataPosition(epoch: position.epoch + 1, step: 0)
  }

  /// The batches from a position on, prepared ahead in the background.
  /// - Parameters:
  ///   - epochs: the epoch before which the batches end; `nil` for no end.
  ///   - ahead: how many batches are kept ready; 0 makes each when it is asked for.
  public func batches(
    from position: DataPosition = DataPosition(), untilEpoch epochs: Int? = nil, ahead: Int = 2
  ) -> BatchStream {
    BatchStream(self, from: position, untilEpoch: epochs, ahead: ahead)
  }
}
