import IR
import Operators

/// Between tensors as files hold them and tensors as they are computed with.
extension RuntimeValue {
  /// Widens half precision, unpacks types smaller than a byte, and uses all other bytes where they are.
  init(_ tensor: Tensor, precision: Precision) throws(RuntimeError) {
    guard let region = tensor.contiguousBytes() else {
      throw RuntimeError("tensor \(tensor.name ?? "") holds strings, which Coppice cannot compute with")
    }
    let type = precision.storage(tensor.dataType)
    let isAligned = region.withUnsafeBytes { bytes in
      Int(bitPattern: bytes.baseAddress) % (RuntimeValue.elementBytes(tensor.dataType) ?? 1) == 0
    }
    if type == tensor.dataType, (type.bitWidth ?? 0) >= 8, isAligned {
      self.init(
        buffer: Buffer(borrowing: region), type: type, declaredType: tensor.dataType, shape: tensor.shape)
      return
    }
    try self.init(declaredType: tensor.dataType, shape: tensor.shape, precision: precision)
    let (target, count) = (buffer.start, self.count)
    region.withUnsafeBytes { ElementConversion.widen($0, tensor.dataType, into: target, type, count: count) }
  }

  /// The tensor as a file holds it, in its declared type; without a copy where nothing else knows the memory.
  mutating func taken(named name: String? = nil) -> Tensor {
    guard type == declaredType, (type.bitWidth ?? 0) >= 8, isKnownUniquelyReferenced(&buffer),
      let owner = buffer.owner(), let bytes = RuntimeValue.byteCount(type, shape)
    else { return tensor(named: name) }
    let region = ByteRegion(owner: owner, offset: 0, count: bytes)
    return Tensor(name: name, dataType: type, shape: shape, storage: .bytes(region))
  }

  /// The tensor as a file holds it, in its declared type.
  func tensor(named name: String? = nil) -> Tensor {
    guard type != declaredType || (type.bitWidth ?? 8) < 8 else {
      let bytes = ByteRegion(
        copying: UnsafeRawBufferPointer(rebasing: buffer.bytes[..<(RuntimeValue.byteCount(type, shape) ?? 0)]))
      return Tensor(name: name, dataType: type, shape: shape, storage: .bytes(bytes))
    }
    // Double precision is asked for by name: what it found is not rounded away.
    if type == .double {
      var wide = self
      wide.declaredType = .double
      return wide.tensor(named: name)
    }
    let (source, count) = (buffer.start, self.count)
    let region = ByteRegion(count: declaredType.byteCount(elements: count) ?? 0) { memory in
      ElementConversion.narrow(source, type, into: memory, declaredType, count: count)
    }
    return Tensor(name: name, dataType: declaredType, shape: shape, storage: .bytes(region))
  }
}
