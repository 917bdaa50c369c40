import Files
import IR
import Training

/// Values of all batches that later stages read: in memory as far as a budget goes, the rest in a file.
struct StageStore {
  private struct Entry {
    let tensor: Tensor
    /// Bytes in memory.
    let byteCount: Int
  }

  private var batches: [[ValueID: Entry]]
  private let memoryBudget: Int
  private var byteCount = 0
  private var file: SpillFile?

  init(batchCount: Int, memoryBudget: Int) {
    batches = [[ValueID: Entry]](repeating: [:], count: batchCount)
    self.memoryBudget = memoryBudget
  }

  var batchCount: Int { batches.count }

  /// The values every batch has.
  var values: [ValueID] { batches.first.map { $0.keys.sorted() } ?? [] }

  func tensor(_ value: ValueID, batch: Int) -> Tensor? { batches[batch][value]?.tensor }

  /// - Throws: where the file has no room.
  mutating func store(_ tensor: Tensor, as value: ValueID, batch: Int) throws(TrainingError) {
    let count = tensor.contiguousBytes()?.count ?? 0
    if byteCount + count <= memoryBudget {
      batches[batch][value] = Entry(tensor: tensor, byteCount: count)
      byteCount += count
    } else {
      batches[batch][value] = Entry(tensor: try spilled(tensor), byteCount: 0)
    }
  }

  private mutating func spilled(_ tensor: Tensor) throws(TrainingError) -> Tensor {
    guard let bytes = tensor.contiguousBytes() else { return tensor }
    do throws(OutputError) {
      let file: SpillFile
      if let open = self.file { file = open } else { file = try SpillFile() }
      self.file = file
      return Tensor(
        name: tensor.name, dataType: tensor.dataType, shape: tensor.shape, storage: .bytes(try file.store(bytes)))
    } catch {
      throw TrainingError(
        .settings,
        "\(error), where values between layers are kept that are beyond the memory for them; use fewer samples")
    }
  }

  /// Forgets values of a batch.
  mutating func remove(_ batch: Int, where isDone: (ValueID) -> Bool) {
    for (value, entry) in batches[batch] where isDone(value) {
      byteCount -= entry.byteCount
      batches[batch][value] = nil
    }
  }
}
