import IR

/// Reads single elements of a tensor's bytes, whatever their type.
struct ElementReader {
  private let region: ByteRegion
  private let type: DataType
  private let width: Int

  init(_ region: ByteRegion, _ type: DataType) {
    self.region = region
    self.type = type
    width = type.byteWidth ?? 1
  }

  /// - Precondition: the type is an integer one or `bool`, and the element is there.
  func integer(at index: Int) -> Int64 {
    region.withUnsafeBytes { bytes in
      func load<T: FixedWidthInteger>(_: T.Type) -> Int64 {
        Int64(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: index * width, as: T.self))
      }
      return switch type {
      case .int8: load(Int8.self)
      case .uint16: load(UInt16.self)
      case .int16: load(Int16.self)
      case .uint32: load(UInt32.self)
      case .int32: load(Int32.self)
      case .int64, .uint64: load(Int64.self)
      default: load(UInt8.self)
      }
    }
  }
}
