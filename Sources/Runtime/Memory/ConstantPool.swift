import IR
import Synchronization

/// The initializers of a model as they are computed with, widened once for all programs made of it, and held by those:
/// what all of them have folded into something else is not kept.
final class ConstantPool: Sendable {
  private struct Entry: Sendable {
    weak var buffer: Buffer?
    let type: DataType
    let declaredType: DataType
    let shape: [Int]
  }

  private let entries = Mutex<[ValueID: Entry]>([:])

  func value(_ id: ValueID, _ tensor: Tensor, precision: Precision) throws(RuntimeError) -> RuntimeValue {
    if let entry = entries.withLock({ $0[id] }), let buffer = entry.buffer {
      return RuntimeValue(buffer: buffer, type: entry.type, declaredType: entry.declaredType, shape: entry.shape)
    }
    let value = try RuntimeValue(tensor, precision: precision)
    let entry = Entry(
      buffer: value.buffer, type: value.type, declaredType: value.declaredType, shape: value.shape)
    entries.withLock { $0[id] = entry }
    return value
  }
}
