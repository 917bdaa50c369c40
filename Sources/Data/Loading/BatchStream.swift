import Dispatch
import Synchronization

/// Batches in their order, the next ones prepared on a thread of their own while the last one is used.
///
/// Meant for one reader. Letting go of it ends the preparation after the batch that is being made.
public final class BatchStream: Sendable {
  private let producer: Producer
  private let ahead: Int
  private let queue = DispatchQueue(label: "coppice.data.batches")
  private let isReady = DispatchSemaphore(value: 0)

  init(_ loader: DataLoader, from position: DataPosition, untilEpoch end: Int?, ahead: Int) {
    producer = Producer(loader, position, end)
    self.ahead = max(0, ahead)
    for _ in 0..<self.ahead { prepare() }
  }

  deinit { producer.cancel() }

  /// The next batch, or `nil` after the last one. After an error there is nothing more.
  public func next() throws(DataError) -> Batch? {
    guard ahead > 0 else {
      producer.make()
      return try producer.take()
    }
    isReady.wait()
    prepare()
    return try producer.take()
  }

  /// The position of the batch ``next()`` gives next: what is saved to go on from here.
  public var position: DataPosition { producer.position }

  private func prepare() {
    queue.async { [producer, isReady] in
      producer.make()
      isReady.signal()
    }
  }

  /// Makes batches one after the other and keeps them until they are taken.
  private final class Producer: Sendable {
    private typealias Outcome = Result<Batch?, DataError>

    private struct State {
      /// Of the next batch to make.
      var next: DataPosition
      /// Of the next batch to be taken.
      var position: DataPosition
      var ready: [Outcome] = []
      var isOver = false
      var order: (epoch: Int, samples: [Int])?
    }

    private let loader: DataLoader
    private let end: Int?
    private let state: Mutex<State>

    init(_ loader: DataLoader, _ start: DataPosition, _ end: Int?) {
      self.loader = loader
      self.end = end
      // A position at the end of an epoch is the start of the next one.
      let isPast = start.step >= loader.batchesPerEpoch
      let start = isPast ? DataPosition(epoch: start.epoch + 1, step: 0) : start
      state = Mutex(State(next: start, position: start))
    }

    var position: DataPosition { state.withLock { $0.position } }

    func cancel() { state.withLock { $0.isOver = true } }

    func make() {
      guard let (position, order) = begin() else {
        state.withLock { $0.ready.append(.success(nil)) }
        return
      }
      let outcome: Outcome
      do throws(DataError) {
        outcome = .success(try loader.batch(at: position, order: order))
      } catch {
        outcome = .failure(error)
      }
      state.withLock { state in
        if case .failure = outcome { state.isOver = true }
        state.ready.append(outcome)
      }
    }

    /// The position to make a batch for, and its epoch's order; `nil` where there is nothing more to make.
    private func begin() -> (DataPosition, [Int])? {
      state.withLock { state in
        let position = state.next
        if let end, position.epoch >= end { state.isOver = true }
        guard !state.isOver else { return nil }
        state.next = loader.position(after: position)
        if let order = state.order, order.epoch == position.epoch { return (position, order.samples) }
        let samples = loader.order(epoch: position.epoch)
        state.order = (position.epoch, samples)
        return (position, samples)
      }
    }

    func take() throws(DataError) -> Batch? {
      let outcome = state.withLock { $0.ready.isEmpty ? .success(nil) : $0.ready.removeFirst() }
      let batch = try outcome.get()
      if let batch { state.withLock { $0.position = batch.next } }
      return batch
    }
  }
}
