import IR

extension Tensor {
  /// The bytes of the elements as single-precision numbers; `nil` for types that are no numbers of that kind.
  func withFloats<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard let region = contiguousBytes() else { return nil }
    return region.withUnsafeBytes { bytes -> Result? in
      if dataType == .float { return body(bytes) }
      let count = elementCount
      var floats = [Float](repeating: 0, count: count)
      switch dataType {
      case .double:
        for index in 0..<count {
          floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
        }
      case .float16:
        for index in 0..<count {
          floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
        }
      case .bfloat16:
        for index in 0..<count {
          let half = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
          floats[index] = Float(bitPattern: UInt32(half) << 16)
        }
      case .int8: for index in 0..<count { floats[index] = Float(Int8(bitPattern: bytes[index])) }
      case .uint8: for index in 0..<count { floats[index] = Float(bytes[index]) - 128 }
      default: return nil
      }
      return floats.withUnsafeBytes(body)
    }
  }
}
