import DataSources
import Dispatch

/// The batches of a run in their order, each made ready while the one before is worked on.
///
/// The order follows from the seed and the number of the batch: a run that is taken up in the middle sees what an
/// unbroken one would.
final class BatchQueue {
  struct Position: Sendable {
    let epoch: Int
    let indices: [Int]
  }

  private let fit: DataFit
  private let size: Int
  private let seed: UInt64
  let batchesPerEpoch: Int
  private var order: (epoch: Int, indices: [Int])?
  private var pending: (number: Int, result: Pending)?

  init(_ fit: DataFit, size: Int, seed: UInt64) {
    self.fit = fit
    self.size = min(size, max(1, fit.data.count))
    self.seed = seed
    batchesPerEpoch = max(1, fit.data.count / self.size)
  }

  /// Samples of a batch.
  var batchSize: Int { size }

  /// A batch by its number from the start of the run.
  func batch(_ number: Int) throws(TrainingError) -> DataFit.Batch {
    let result = pending.flatMap { $0.number == number ? $0.result : nil } ?? start(number)
    let batch = try result.value()
    pending = (number + 1, start(number + 1))
    return batch
  }

  private func start(_ number: Int) -> Pending { Pending(fit, position(number)) }

  private func position(_ number: Int) -> Position {
    let epoch = number / batchesPerEpoch
    if order?.epoch != epoch {
      var random = CounterRandom(seed: seed, 0x6f72_6465, epoch)
      order = (epoch, random.permutation(fit.data.count))
    }
    let start = number % batchesPerEpoch * size
    return Position(epoch: epoch, indices: Array(order?.indices[start..<(start + size)] ?? []))
  }

  /// A batch that is being made.
  private final class Pending: Sendable {
    // Written by the one block of the group before the group is done, read only afterwards.
    nonisolated(unsafe) private var result: Result<DataFit.Batch, TrainingError>?
    private let group = DispatchGroup()

    init(_ fit: DataFit, _ position: Position) {
      DispatchQueue.global(qos: .userInitiated).async(group: group) {
        self.result = Result { () throws(TrainingError) in try fit.batch(position.indices, epoch: position.epoch) }
      }
    }

    func value() throws(TrainingError) -> DataFit.Batch {
      group.wait()
      guard let result else { throw TrainingError(.data, "a batch was not read") }
      return try result.get()
    }
  }
}
