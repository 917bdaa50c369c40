import DataSources
import IR
import Synchronization

/// Another data set whose batches are kept once they are made, so that model after model is given the same ones: those
/// asked for first, as far as memory allows. What is beyond is made anew whenever it is asked for.
///
/// Batches must not depend on the epoch, as they do not without augmentation.
struct KeptDataset: Dataset {
  private let base: any Dataset
  private let memory: Memory

  private final class Memory: Sendable {
    struct Contents {
      var batches: [[Int]: [String: Tensor]] = [:]
      var bytesLeft: Int
      var inspection: UInt64?
    }

    let contents: Mutex<Contents>

    init(limit: Int) { contents = Mutex(Contents(bytesLeft: limit)) }
  }

  /// - Parameter limit: bytes of elements that are kept at most.
  init(_ base: any Dataset, limit: Int) {
    self.base = base
    memory = Memory(limit: limit)
  }

  var count: Int { base.count }
  var fields: [DataField] { base.fields }
  var source: String { base.source }
  var storedArrays: [StoredArray] { base.storedArrays }

  func keeping(_ fields: Set<String>) -> any Dataset {
    base.fields.allSatisfy { fields.contains($0.name) } ? self : base.keeping(fields)
  }

  func inspect() throws(DataError) -> UInt64 {
    if let known = memory.contents.withLock({ $0.inspection }) { return known }
    let found = try base.inspect()
    memory.contents.withLock { $0.inspection = found }
    return found
  }

  func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    if let kept = memory.contents.withLock({ $0.batches[indices] }) { return kept }
    let made = try base.batch(indices: indices, epoch: epoch)
    let bytes = made.values.reduce(0) { $0 + ($1.dataType.byteCount(elements: $1.elementCount) ?? 0) }
    memory.contents.withLock { contents in
      guard bytes <= contents.bytesLeft, contents.batches[indices] == nil else { return }
      contents.batches[indices] = made
      contents.bytesLeft -= bytes
    }
    return made
  }
}
