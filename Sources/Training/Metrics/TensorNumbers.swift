import IR

extension Tensor {
  /// The elements as `Float`, whatever numbers they are; `nil` for types that are no plain numbers.
  public func floats() -> [Float]? {
    switch dataType {
    case .float: numbers { (value: Float) in value }
    case .double: numbers { (value: Double) in Float(value) }
    case .float16: numbers { (value: Float16) in Float(value) }
    case .bfloat16: numbers { (value: UInt16) in Float(bitPattern: UInt32(value) << 16) }
    default: integers()?.map { Float($0) }
    }
  }

  /// The elements as `Int`; `nil` for floating point and for types that are no plain numbers.
  public func integers() -> [Int]? {
    switch dataType {
    case .int64: numbers { (value: Int64) in Int(value) }
    case .int32: numbers { (value: Int32) in Int(value) }
    case .int16: numbers { (value: Int16) in Int(value) }
    case .int8: numbers { (value: Int8) in Int(value) }
    case .uint8, .bool: numbers { (value: UInt8) in Int(value) }
    case .uint16: numbers { (value: UInt16) in Int(value) }
    case .uint32: numbers { (value: UInt32) in Int(value) }
    default: nil
    }
  }

  private func numbers<Stored: BitwiseCopyable, Number>(_ convert: (Stored) -> Number) -> [Number]? {
    contiguousBytes()?.withUnsafeBytes { bytes in
      let width = MemoryLayout<Stored>.size
      return (0..<bytes.count / width).map { convert(bytes.loadUnaligned(fromByteOffset: $0 * width, as: Stored.self)) }
    }
  }

  /// The same numbers in the type labels are fed in, or a model takes.
  /// - Returns: `nil` where numbers would be lost: from floating point to integers.
  func converted(to type: DataType) -> Tensor? {
    guard dataType != type else { return self }
    switch type {
    case .int64: return integers().map { Tensor(name: name, int64s: $0.map(Int64.init), shape: shape) }
    case .int32: return integers().map { Tensor(ints: $0, .int32, shape: shape) }
    case .float: return floats().map { Tensor(name: name, floats: $0, shape: shape) }
    default: return nil
    }
  }
}
