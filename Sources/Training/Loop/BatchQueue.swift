import DataSources

/// The batches of a run by their numbers, each made ready while the one before is worked on.
///
/// A run that is taken up in the middle sees what an unbroken one would: ``DataLoader`` draws by seed and epoch alone.
final class BatchQueue {
  private let fit: DataFit
  private let loader: DataLoader
  /// The batches from a number on.
  private var ahead: (next: Int, stream: BatchStream)?

  /// - Throws: where there are no samples.
  init(_ fit: DataFit, size: Int, seed: UInt64) throws(TrainingError) {
    self.fit = fit
    do throws(DataError) {
      loader = try DataLoader(
        fit.data, batchSize: min(size, max(1, fit.data.count)), isShuffled: true, dropsLast: true, seed: seed)
    } catch {
      throw TrainingError(error)
    }
  }

  var batchesPerEpoch: Int { loader.batchesPerEpoch }

  /// Samples of a batch.
  var batchSize: Int { loader.batchSize }

  /// A batch by its number from the start of the run.
  func batch(_ number: Int) throws(TrainingError) -> DataFit.Batch {
    let stream = stream(from: number)
    // After an error a stream has nothing more: the batch is then asked of another one.
    ahead = nil
    let read: Batch?
    do throws(DataError) { read = try stream.next() } catch { throw TrainingError(error) }
    guard let batch = read else { throw TrainingError(.data, "\(fit.data.source): a batch was not read") }
    ahead = (number + 1, stream)
    return try fit.batch(batch.tensors)
  }

  private func stream(from number: Int) -> BatchStream {
    if let ahead, ahead.next == number { return ahead.stream }
    let position = DataPosition(epoch: number / batchesPerEpoch, step: number % batchesPerEpoch)
    return loader.batches(from: position, ahead: 1)
  }
}
