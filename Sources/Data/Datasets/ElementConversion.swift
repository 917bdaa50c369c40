import IR

/// Converts elements from one type to another.
enum ElementConversion {
  /// Whether every sensible value survives: whole numbers to floating types, and within each family.
  static func isAllowed(_ from: DataType, to target: DataType) -> Bool {
    guard from != target else { return true }
    guard isRead(from) else { return false }
    switch target {
    case .float, .double, .float16: return true
    case .int32, .int64, .uint8, .bool: return !from.isFloatingPoint
    default: return false
    }
  }

  /// - Returns: `nil` where the conversion is not ``isAllowed(_:to:)``.
  static func convert(_ tensor: Tensor, to type: DataType) -> Tensor? {
    guard tensor.dataType != type else { return tensor }
    guard isAllowed(tensor.dataType, to: type), let region = tensor.contiguousBytes() else { return nil }
    var result = tensor
    result.dataType = type
    result.storage = .bytes(convert(region, tensor.dataType, type, tensor.elementCount))
    return result
  }

  /// The first element that is another number in a type, or infinite.
  static func firstLost(_ tensor: Tensor, to type: DataType) -> ElementScan.Element? {
    guard tensor.dataType != type else { return nil }
    let bytes = tensor.dataType.byteWidth ?? 0
    switch type {
    case .float where tensor.dataType == .double:
      return ElementScan.first(in: tensor) { $0.isFinite && !Float($0).isFinite }
    case .float16 where bytes > 1: return ElementScan.first(in: tensor) { $0.isFinite && !Float16($0).isFinite }
    case .uint8: return ElementScan.first(in: tensor) { UInt8(exactly: $0) == nil }
    case .int32 where bytes > 2: return ElementScan.first(in: tensor) { Int32(exactly: $0) == nil }
    case .int64 where tensor.dataType == .uint64: return ElementScan.first(in: tensor) { $0 >= 0x1p63 }
    default: return nil
    }
  }

  private static func isRead(_ type: DataType) -> Bool {
    switch type {
    case .bool, .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64, .float16, .float, .double: true
    default: false
    }
  }

  private static func convert(
    _ region: ByteRegion, _ from: DataType, _ type: DataType, _ count: Int
  ) -> ByteRegion {
    return switch from {
    case .int8: integers(Int8.self)
    case .uint16: integers(UInt16.self)
    case .int16: integers(Int16.self)
    case .uint32: integers(UInt32.self)
    case .int32: integers(Int32.self)
    case .uint64: integers(UInt64.self)
    case .int64: integers(Int64.self)
    case .float16: floats(Float16.self)
    case .float: floats(Float.self)
    case .double: floats(Double.self)
    default: integers(UInt8.self)
    }

    func integers<S: FixedWidthInteger & BitwiseCopyable>(_: S.Type) -> ByteRegion {
      switch type {
      case .float: map(region, count) { (value: S) in Float(value) }
      case .double: map(region, count) { (value: S) in Double(value) }
      case .float16: map(region, count) { (value: S) in Float16(Float(value)) }
      case .int32: map(region, count) { (value: S) in Int32(truncatingIfNeeded: value) }
      case .int64: map(region, count) { (value: S) in Int64(truncatingIfNeeded: value) }
      case .bool: map(region, count) { (value: S) in value == 0 ? 0 : 1 as UInt8 }
      default: map(region, count) { (value: S) in UInt8(truncatingIfNeeded: value) }
      }
    }

    func floats<S: BinaryFloatingPoint & BitwiseCopyable>(_: S.Type) -> ByteRegion {
      switch type {
      case .double: map(region, count) { (value: S) in Double(value) }
      case .float16: map(region, count) { (value: S) in Float16(value) }
      default: map(region, count) { (value: S) in Float(value) }
      }
    }
  }

  @inline(__always)
  private static func map<S: BitwiseCopyable, D: BitwiseCopyable>(
    _ region: ByteRegion, _ count: Int, _ convert: (S) -> D
  ) -> ByteRegion {
    ByteRegion(count: count * MemoryLayout<D>.stride) { output in
      let target = output.bindMemory(to: D.self)
      region.withUnsafeBytes { input in
        for index in 0..<count {
          target[index] = convert(input.loadUnaligned(fromByteOffset: index * MemoryLayout<S>.stride, as: S.self))
        }
      }
    }
  }
}
