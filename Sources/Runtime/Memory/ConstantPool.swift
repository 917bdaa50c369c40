import IR
import Synchronization

/// The initializers of a model as they are computed with, widened once for all programs made of it.
final class ConstantPool: Sendable {
  private let values = Mutex<[ValueID: RuntimeValue]>([:])

  func value(_ id: ValueID, _ tensor: Tensor, precision: Precision) throws(RuntimeError) -> RuntimeValue {
    if let value = values.withLock({ $0[id] }) { return value }
    let value = try RuntimeValue(tensor, precision: precision)
    values.withLock { $0[id] = value }
    return value
  }
}
