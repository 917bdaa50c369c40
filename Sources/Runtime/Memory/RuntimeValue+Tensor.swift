import IR
import Kernels

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
    region.withUnsafeBytes { Widening.widen($0, tensor.dataType, into: target, type, count: count) }
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
      Widening.narrow(source, type, into: memory, declaredType, count: count)
    }
    return Tensor(name: name, dataType: declaredType, shape: shape, storage: .bytes(region))
  }
}

/// Conversions between the types of files and those of memory.
enum Widening {
  static func widen(
    _ source: UnsafeRawBufferPointer, _ from: DataType, into target: UnsafeMutableRawPointer, _ type: DataType,
    count: Int
  ) {
    if let bits = from.bitWidth, bits < 8 { return unpack(source, from, bits: bits, into: target, count: count) }
    guard type != from else {
      if count > 0, let base = source.baseAddress { target.copyMemory(from: base, byteCount: source.count) }
      return
    }
    for index in 0..<count {
      let value = element(source, from, index)
      if type == .double {
        target.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
      } else {
        target.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
      }
    }
  }

  private static func element(_ source: UnsafeRawBufferPointer, _ type: DataType, _ index: Int) -> Double {
    switch type {
    case .float16: Double(HalfPrecision.half(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
    case .bfloat16:
      Double(Float(bitPattern: UInt32(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16))
    default: Double(source.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
    }
  }

  private static func unpack(
    _ source: UnsafeRawBufferPointer, _ type: DataType, bits: Int, into target: UnsafeMutableRawPointer, count: Int
  ) {
    let perByte = 8 / bits
    for index in 0..<min(count, source.count * perByte) {
      let raw = source[index / perByte] >> UInt8(index % perByte * bits) & UInt8(1 << bits - 1)
      let isSigned = type == .int4 || type == .int2
      let value = isSigned && raw >> UInt8(bits - 1) == 1 ? raw | ~UInt8(1 << bits - 1) : raw
      target.storeBytes(of: value, toByteOffset: index, as: UInt8.self)
    }
  }

  static func narrow(
    _ source: UnsafeRawPointer, _ type: DataType, into target: UnsafeMutableRawBufferPointer, _ to: DataType,
    count: Int
  ) {
    if let bits = to.bitWidth, bits < 8 {
      let perByte = 8 / bits
      target.initializeMemory(as: UInt8.self, repeating: 0)
      for index in 0..<count {
        let raw = source.load(fromByteOffset: index, as: UInt8.self) & UInt8(1 << bits - 1)
        target[index / perByte] |= raw << UInt8(index % perByte * bits)
      }
      return
    }
    let floats = source.assumingMemoryBound(to: Float.self)
    for index in 0..<count {
      let bits = to == .float16 ? HalfPrecision.bits(floats[index]) : HalfPrecision.brainBits(floats[index])
      target.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
    }
  }
}
