extension Tensor {
  /// The elements as `Float`, whatever numbers they are; `nil` for types that are no plain numbers.
  public func floats() -> [Float]? { reals() }

  /// The elements as `Double`, whatever numbers they are; `nil` for types that are no plain numbers.
  public func doubles() -> [Double]? { reals() }

  /// The elements as `Int`; `nil` for floating point, for types that are no plain numbers, and where one is too large.
  public func integers() -> [Int]? {
    switch dataType {
    case .int64: return numbers { (value: Int64) in Int(value) }
    case .int32: return numbers { (value: Int32) in Int(value) }
    case .int16: return numbers { (value: Int16) in Int(value) }
    case .int8: return numbers { (value: Int8) in Int(value) }
    case .uint8, .bool: return numbers { (value: UInt8) in Int(value) }
    case .uint16: return numbers { (value: UInt16) in Int(value) }
    case .uint32: return numbers { (value: UInt32) in Int(value) }
    case .uint64:
      guard let values = numbers({ (value: UInt64) in value }), values.allSatisfy({ $0 <= UInt64(Int.max) }) else {
        return nil
      }
      return values.map { Int($0) }
    default: return nil
    }
  }

  /// Calls `body` with the elements in single precision: in place where they are stored so and lie aligned, as those of
  /// a mapped file may not, else with a copy.
  /// - Returns: `nil` for types that are no plain numbers; it may be where there are no elements too.
  package func withFloats<Result>(_ body: (UnsafePointer<Float>) throws -> Result) rethrows -> Result? {
    guard dataType == .float, let region = contiguousBytes(), region.isAligned(for: Float.self) else {
      return try floats()?.withUnsafeBufferPointer { floats in try floats.baseAddress.map { try body($0) } } ?? nil
    }
    return try region.withUnsafeBytes { bytes in
      try bytes.withMemoryRebound(to: Float.self) { floats in try floats.baseAddress.map { try body($0) } }
    }
  }

  private func reals<Real: BinaryFloatingPoint>() -> [Real]? {
    switch dataType {
    case .float: numbers { (value: Float) in Real(value) }
    case .double: numbers { (value: Double) in Real(value) }
    case .float16: numbers { (value: Float16) in Real(value) }
    case .bfloat16: numbers { (value: UInt16) in Real(Float(bitPattern: UInt32(value) << 16)) }
    case .uint64: numbers { (value: UInt64) in Real(value) }
    case .int8: numbers { (value: Int8) in Real(value) }
    case .uint8: numbers { (value: UInt8) in Real(value) }
    default: integers()?.map { Real($0) }
    }
  }

  private func numbers<Stored: BitwiseCopyable, Number>(_ convert: (Stored) -> Number) -> [Number]? {
    contiguousBytes()?.withUnsafeBytes { bytes in
      let width = MemoryLayout<Stored>.size
      return (0..<bytes.count / width).map { convert(bytes.loadUnaligned(fromByteOffset: $0 * width, as: Stored.self)) }
    }
  }

  /// The same numbers in another type.
  /// - Returns: `nil` for types nothing is converted to, and where numbers would be lost: from floating point to
  ///   integers, and integers that do not fit.
  public func converted(to type: DataType) -> Tensor? {
    guard dataType != type else { return self }
    switch type {
    case .float: return floats().map { holding($0, type) }
    case .double: return doubles().map { holding($0, type) }
    case .int64: return integers().map { holding($0.map { Int64($0) }, type) }
    case .int32:
      guard let integers = self.integers() else { return nil }
      let narrow = integers.compactMap { Int32(exactly: $0) }
      return narrow.count == integers.count ? holding(narrow, type) : nil
    default: return nil
    }
  }

  private func holding<Number: BitwiseCopyable>(_ numbers: [Number], _ type: DataType) -> Tensor {
    Tensor(
      name: name, dataType: type, shape: shape,
      storage: .bytes(numbers.withUnsafeBytes { ByteRegion(copying: $0) }))
  }
}

extension ByteRegion {
  fileprivate func isAligned<Number>(for type: Number.Type) -> Bool {
    withUnsafeBytes { Int(bitPattern: $0.baseAddress) % MemoryLayout<Number>.alignment == 0 }
  }
}
