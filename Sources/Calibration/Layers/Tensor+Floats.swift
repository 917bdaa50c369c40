import IR

extension Tensor {
  /// The same tensor's type and shape with other numbers.
  func holding(_ values: [Float], shape: [Int]? = nil) -> Tensor? {
    let shape = shape ?? self.shape
    let region: ByteRegion
    switch dataType {
    case .float: return Tensor(floats: values, shape: shape)
    case .double: region = Self.region(of: values.map { Double($0) })
    case .float16: region = Self.region(of: values.map { Float16($0) })
    case .bfloat16:
      // Rounded to the nearest, ties to even.
      region = Self.region(of: values.map { UInt16(truncatingIfNeeded: Self.rounded($0.bitPattern) >> 16) })
    default: return nil
    }
    return Tensor(name: name, dataType: dataType, shape: shape, storage: .bytes(region))
  }

  private static func rounded(_ bits: UInt32) -> UInt32 { bits &+ 0x7FFF &+ (bits >> 16 & 1) }

  private static func region<Number: BitwiseCopyable>(of values: [Number]) -> ByteRegion {
    values.withUnsafeBytes { ByteRegion(copying: $0) }
  }
}
