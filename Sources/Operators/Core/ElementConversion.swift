import IR
import Kernels

/// Conversions between the element types of files and those of a running model.
public enum ElementConversion {
  static func isNumber(_ type: DataType) -> Bool {
    switch type {
    case .float, .double, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool: true
    default: false
    }
  }

  /// From the bytes of a file: half precision becomes `Float` or `Double`, small types take a byte each. Elements that
  /// `source` does not hold are left as they are.
  public static func widen(
    _ source: UnsafeRawBufferPointer, _ from: DataType, into target: UnsafeMutableRawPointer, _ to: DataType, count: Int
  ) {
    guard count > 0, let base = source.baseAddress, let bits = from.bitWidth else { return }
    if bits < 8 { return unpack(source, from, bits: bits, into: target, count: count) }
    let width = bits / 8
    let count = min(count, source.count / width)
    switch from {
    case .float16, .bfloat16:
      for index in 0..<count {
        let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
        store(Double(from == .float16 ? HalfPrecision.half(bits) : HalfPrecision.brain(bits)), target, to, index)
      }
    case to: target.copyMemory(from: base, byteCount: count * width)
    default: for index in 0..<count { store(load(base, from, index), target, to, index) }
    }
  }

  static func convert(
    _ source: UnsafeRawPointer, _ from: DataType, _ target: UnsafeMutableRawPointer, _ to: DataType,
    rounding: DataType, count: Int
  ) {
    let isInteger = from != .float && from != .double && to != .float && to != .double && to != .bool
    for index in 0..<count {
      if isInteger {
        storeInteger(loadInteger(source, from, index), target, to, index)
        continue
      }
      var value = load(source, from, index)
      if rounding == .float16 { value = Double(HalfPrecision.half(HalfPrecision.bits(Float(value)))) }
      if rounding == .bfloat16 { value = Double(HalfPrecision.brain(HalfPrecision.brainBits(Float(value)))) }
      store(value, target, to, index)
    }
  }

  private static func load(_ source: UnsafeRawPointer, _ type: DataType, _ index: Int) -> Double {
    switch type {
    case .float: Double(source.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
    case .double: source.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
    case .uint64: Double(source.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    default: Double(loadInteger(source, type, index))
    }
  }

  private static func loadInteger(_ source: UnsafeRawPointer, _ type: DataType, _ index: Int) -> Int64 {
    switch type {
    case .int8: Int64(source.load(fromByteOffset: index, as: Int8.self))
    case .uint8, .bool: Int64(source.load(fromByteOffset: index, as: UInt8.self))
    case .int16: Int64(source.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
    case .uint16: Int64(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    case .int32: Int64(source.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
    case .uint32: Int64(source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
    default: source.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
    }
  }

  private static func store(_ value: Double, _ target: UnsafeMutableRawPointer, _ type: DataType, _ index: Int) {
    switch type {
    case .float: target.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
    case .double: target.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
    case .bool: target.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: index, as: UInt8.self)
    case .uint64 where value >= 0x1p63:
      target.storeBytes(of: value < 0x1p64 ? UInt64(value) : .max, toByteOffset: index * 8, as: UInt64.self)
    default:
      let whole = value.rounded(.towardZero)
      let integer = whole.isNaN ? 0 : whole >= 0x1p63 ? Int64.max : whole <= -0x1p63 ? Int64.min : Int64(whole)
      storeInteger(integer, target, type, index)
    }
  }

  private static func storeInteger(_ value: Int64, _ target: UnsafeMutableRawPointer, _ type: DataType, _ index: Int) {
    switch type {
    case .int8, .uint8:
      target.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    case .int16, .uint16:
      target.storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: index * 2, as: UInt16.self)
    case .int32, .uint32:
      target.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: index * 4, as: UInt32.self)
    default: target.storeBytes(of: value, toByteOffset: index * 8, as: Int64.self)
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

  /// Back into the bytes of a file: half precision is rounded, small types are packed.
  public static func narrow(
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
