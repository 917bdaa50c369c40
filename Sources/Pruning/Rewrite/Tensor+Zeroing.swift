import IR

/// The numbers that stand for zero in a quantized tensor: one, one a channel of an axis, or one a block.
struct ZeroPoint {
  let tensor: Tensor
  let axis: Int

  /// Which of them holds for the element at `coordinates` of a tensor of this shape; `nil` where they do not fit.
  func index(at coordinates: [Int], of shape: [Int]) -> Int? {
    if tensor.elementCount == 1 { return 0 }
    guard shape.indices.contains(axis) else { return nil }
    if tensor.shape.count == 1 {
      return coordinates[axis] < tensor.shape[0] ? coordinates[axis] : nil
    }
    guard tensor.shape.count == shape.count, tensor.shape[axis] > 0 else { return nil }
    var index = 0
    for (place, size) in tensor.shape.enumerated() {
      // Along the axis a zero point holds for a block; elsewhere for one element.
      let coordinate = place == axis ? coordinates[place] / max(1, shape[place] / size) : coordinates[place]
      guard coordinate < size else { return nil }
      index = index * size + coordinate
    }
    return index
  }
}

extension Tensor {
  /// The tensor with these indices of these axes set to zero.
  /// - Parameter point: what zero is, where it is not 0.
  /// - Returns: `nil` where an index is outside of the shape, the zero point does not fit, or elements are strings.
  func zeroing(_ slices: [(axis: Int, indices: [Int32])], point: ZeroPoint?) -> Tensor? {
    guard let source = contiguousBytes(), let bits = dataType.bitWidth, bits != 6 else { return nil }
    var points: [UInt8] = []
    if let point {
      guard point.tensor.dataType == dataType, let bytes = point.tensor.contiguousBytes() else { return nil }
      points = bytes.withUnsafeBytes { Array($0) }
    }
    var bytes = source.withUnsafeBytes { Array($0) }
    for (axis, indices) in slices {
      guard shape.indices.contains(axis) else { return nil }
      let inner = shape[(axis + 1)...].reduce(1, *)
      let outer = shape[..<axis].reduce(1, *)
      for index in indices {
        guard index >= 0, Int(index) < shape[axis] else { return nil }
        for block in 0..<outer {
          let start = (block * shape[axis] + Int(index)) * inner
          for element in start..<start + inner {
            guard let point else {
              Self.copy(nil, to: &bytes, element, bits: bits)
              continue
            }
            guard let number = point.index(at: coordinates(of: element), of: shape) else { return nil }
            Self.copy((points, number), to: &bytes, element, bits: bits)
          }
        }
      }
    }
    var result = self
    result.storage = .bytes(ByteRegion(copying: bytes))
    result.encoding = .raw
    return result
  }

  private func coordinates(of element: Int) -> [Int] {
    var rest = element
    var coordinates = [Int](repeating: 0, count: shape.count)
    for axis in shape.indices.reversed() {
      coordinates[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    return coordinates
  }

  /// Copies one element, or zero; elements below a byte are packed, low bits first.
  private static func copy(_ source: (bytes: [UInt8], index: Int)?, to bytes: inout [UInt8], _ index: Int, bits: Int) {
    guard bits < 8 else {
      let width = bits / 8
      for byte in 0..<width { bytes[index * width + byte] = source.map { $0.bytes[$0.index * width + byte] } ?? 0 }
      return
    }
    let perByte = 8 / bits
    let mask = UInt8(1 << bits - 1)
    let value = source.map { $0.bytes[$0.index / perByte] >> UInt8($0.index % perByte * bits) & mask } ?? 0
    let shift = UInt8(index % perByte * bits)
    bytes[index / perByte] = bytes[index / perByte] & ~(mask << shift) | value << shift
  }
}
