import IR

extension Tensor {
  /// Calls `body` with the bytes of a weight's elements in single precision, which may be unaligned: models are large,
  /// and what is mapped is not copied.
  ///
  /// Numbers of 8 bits stand for others by a scale and a zero point that are not looked up: unsigned ones count by how
  /// far they are from the middle, where their zero usually is.
  /// - Returns: `nil` for types that hold no weights.
  func withWeights<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    switch dataType {
    case .float: contiguousBytes()?.withUnsafeBytes(body)
    case .double, .float16, .bfloat16, .int8: floats()?.withUnsafeBytes(body)
    case .uint8: floats()?.map { $0 - 128 }.withUnsafeBytes(body)
    default: nil
    }
  }
}
