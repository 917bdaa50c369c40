import IR

/// Looks for elements of a tensor, as numbers, without a copy of it.
enum ElementScan {
  struct Element {
    var place: Int
    var value: Double

    /// Whole numbers without a fraction.
    var text: String { Int64(exactly: value).map { "\($0)" } ?? "\(value)" }
  }

  /// The first element that something holds of.
  /// - Returns: `nil` where it holds of none, or the elements are no plain numbers.
  @inline(__always)
  static func first(in tensor: Tensor, where isFound: (Double) -> Bool) -> Element? {
    guard let region = tensor.contiguousBytes() else { return nil }
    return region.withUnsafeBytes { bytes -> Element? in
      switch tensor.dataType {
      case .bool, .uint8: return first(bytes, isFound) { (value: UInt8) in Double(value) }
      case .int8: return first(bytes, isFound) { (value: Int8) in Double(value) }
      case .uint16: return first(bytes, isFound) { (value: UInt16) in Double(value) }
      case .int16: return first(bytes, isFound) { (value: Int16) in Double(value) }
      case .uint32: return first(bytes, isFound) { (value: UInt32) in Double(value) }
      case .int32: return first(bytes, isFound) { (value: Int32) in Double(value) }
      case .uint64: return first(bytes, isFound) { (value: UInt64) in Double(value) }
      case .int64: return first(bytes, isFound) { (value: Int64) in Double(value) }
      case .float16: return first(bytes, isFound) { (value: Float16) in Double(value) }
      case .float: return first(bytes, isFound) { (value: Float) in Double(value) }
      case .double: return first(bytes, isFound) { (value: Double) in value }
      default: return nil
      }
    }
  }

  @inline(__always)
  private static func first<Stored: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ isFound: (Double) -> Bool, _ number: (Stored) -> Double
  ) -> Element? {
    let width = MemoryLayout<Stored>.size
    for place in 0..<(bytes.count / width) {
      let value = number(bytes.loadUnaligned(fromByteOffset: place * width, as: Stored.self))
      if isFound(value) { return Element(place: place, value: value) }
    }
    return nil
  }
}
