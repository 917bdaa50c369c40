import IR
import Operators

extension Tensor {
  /// The tensor with only the kept indices of each axis (`nil`: all), as a view on the same bytes.
  /// - Returns: `nil` where elements cannot be addressed: strings and types packed smaller than a byte.
  package func keeping(_ kept: [[Int32]?]) -> Tensor? {
    guard let elementBytes = dataType.byteWidth, kept.count == shape.count else { return nil }
    let region: ByteRegion
    switch storage {
    case .bytes(let bytes): region = bytes
    case .view(let view): region = view.gathered()
    case .strings: return nil
    }
    let view = TensorView(source: region, sourceShape: shape, elementBytes: elementBytes, kept: kept)
    var tensor = self
    tensor.shape = view.shape
    tensor.storage = .view(view)
    return tensor
  }

  /// A constant of known elements, of the type and shape the facts give.
  init?(elements: [Element], facts: Facts) {
    let sizes = facts.shape?.compactMap(\.known)
    guard let type = facts.type, let shape = sizes, shape.count == facts.shape?.count else { return nil }
    var bytes: [UInt8] = []
    for element in elements {
      guard let number = element.double else { return nil }
      switch type {
      case .int8: bytes.append(UInt8(bitPattern: Int8(truncatingIfNeeded: Int(number))))
      case .uint8: bytes.append(UInt8(truncatingIfNeeded: Int(number)))
      case .int16, .uint16: Swift.withUnsafeBytes(of: Int16(truncatingIfNeeded: Int(number))) { bytes += $0 }
      case .uint32: Swift.withUnsafeBytes(of: UInt32(truncatingIfNeeded: Int(number))) { bytes += $0 }
      case .uint64: Swift.withUnsafeBytes(of: element.size?.known ?? Int(number)) { bytes += $0 }
      case .float16: Swift.withUnsafeBytes(of: Float16(number)) { bytes += $0 }
      case .int64: Swift.withUnsafeBytes(of: element.size?.known ?? Int(number)) { bytes += $0 }
      case .int32: Swift.withUnsafeBytes(of: Int32(truncatingIfNeeded: element.size?.known ?? 0)) { bytes += $0 }
      case .float: Swift.withUnsafeBytes(of: Float(number)) { bytes += $0 }
      case .double: Swift.withUnsafeBytes(of: number) { bytes += $0 }
      case .bool: bytes.append(number == 0 ? 0 : 1)
      default: return nil
      }
    }
    self.init(dataType: type, shape: shape, storage: .bytes(ByteRegion(copying: bytes)))
  }
}
