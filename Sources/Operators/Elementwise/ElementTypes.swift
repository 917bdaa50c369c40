import IR
import Kernels

/// An integer type tensors hold as it is.
typealias IntegerElement = BitwiseCopyable & FixedWidthInteger & Sendable

extension KernelContext {
  /// The integer type of elements in memory. Truth values count as bytes.
  static func integer(_ type: DataType) throws(KernelError) -> any IntegerElement.Type {
    switch type {
    case .int64: Int64.self
    case .int32: Int32.self
    case .int16: Int16.self
    case .int8: Int8.self
    case .uint64: UInt64.self
    case .uint32: UInt32.self
    case .uint16: UInt16.self
    case .uint8, .bool: UInt8.self
    default: throw .unsupported("elements of type \(type)")
    }
  }

  /// Whether elements are computed as floats or doubles.
  static func isReal(_ type: DataType) -> Bool { type == .float || type == .double }

  /// The inputs, among those given, that output 0 may be written over: as many elements of the same type.
  func overwritable(_ candidates: [Int]) -> Kernel.Sharing {
    guard let output = outputs.first ?? nil else { return .none }
    let inputs = candidates.filter { index in
      guard has(index), let operand = self.inputs[index] else { return false }
      return operand.type == output.type && operand.count == output.count
    }
    return inputs.isEmpty ? .none : .overwrites(inputs)
  }
}
