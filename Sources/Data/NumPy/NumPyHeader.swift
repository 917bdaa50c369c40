import IR

/// The head of a `.npy` file: the type, order and shape of the array that follows.
struct NumPyHeader: Equatable {
  var dataType: DataType
  var isBigEndian: Bool
  /// Whether the first axis varies fastest.
  var isFortran: Bool
  var shape: [Int]
  /// Bytes before the elements.
  var byteCount: Int

  /// What keeps a header from being read.
  enum Fault: Error, Equatable {
    case malformed(String)
    case unsupported(String)
  }

  /// A header beyond this many bytes is not one NumPy writes for an array of numbers.
  private static let largestText = 1 << 16
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  init(_ region: ByteRegion) throws(Fault) {
    guard let start = region.slice(0, 8), start.withUnsafeBytes({ $0.prefix(6).elementsEqual(Self.magic) }) else {
      throw .malformed("it does not start like a NumPy array")
    }
    let major = region.little(UInt8.self, at: 6) ?? 0
    let textStart: Int
    let announced: Int?
    switch major {
    case 1:
      announced = region.little(UInt16.self, at: 8).map(Int.init)
      textStart = 10
    case 2, 3:
      announced = region.little(UInt32.self, at: 8).map(Int.init)
      textStart = 12
    default: throw .unsupported("it is of version \(major) of the NumPy format; versions 1 to 3 are read")
    }
    guard let length = announced, length <= Self.largestText, let text = region.slice(textStart, length) else {
      throw .malformed("its header is longer than the file or 65,536 bytes")
    }
    byteCount = textStart + length
    var parser = NumPyHeaderParser(text.withUnsafeBytes { Array($0) })
    let fields = try parser.fields()
    (dataType, isBigEndian) = try Self.type(fields.descr)
    isFortran = fields.isFortran
    shape = fields.shape
    guard elementBytes != nil else { throw .malformed("its shape \(shape) is beyond what can be counted") }
  }

  init(dataType: DataType, shape: [Int]) {
    self.dataType = dataType
    self.shape = shape
    isBigEndian = false
    isFortran = false
    byteCount = 0
  }

  /// Bytes of the elements, or `nil` where they are beyond what can be counted.
  var elementBytes: Int? {
    // Sizes beside a 0 count too: products of some of them are elements of a sample, and steps between places.
    var count = 1
    for size in shape where size != 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    guard shape.contains(0) else { return dataType.byteCount(elements: count) }
    // No bytes of the file stand behind such sizes.
    return count <= Int(Int32.max) ? 0 : nil
  }

  private static func type(_ descr: String) throws(Fault) -> (DataType, isBigEndian: Bool) {
    guard let first = descr.first else { throw .malformed("its element type is empty") }
    let hasOrder = "<>|=".contains(first)
    let kind = hasOrder ? String(descr.dropFirst()) : descr
    if let type = types[kind] { return (type, first == ">" && type.byteWidth != 1) }
    switch kind.first {
    case "O": throw .unsupported("its elements are Python objects (dtype object); save numbers instead")
    case "U", "S", "a": throw .unsupported("its elements are strings (dtype \(descr)); save numbers instead")
    default: throw .unsupported("its elements are of dtype \(descr); save a boolean, integer or float array")
    }
  }

  private static let types: [String: DataType] = [
    "b1": .bool, "i1": .int8, "u1": .uint8, "i2": .int16, "u2": .uint16, "i4": .int32, "u4": .uint32, "i8": .int64,
    "u8": .uint64, "f2": .float16, "f4": .float, "f8": .double,
  ]

  /// The head of a file that holds such an array, elements in rows and little-endian, padded to 64 bytes.
  /// - Returns: `nil` for a type NumPy has no name for.
  func encoded() -> [UInt8]? {
    guard let kind = Self.types.first(where: { $0.value == dataType })?.key else { return nil }
    let order = dataType.byteWidth == 1 ? "|" : "<"
    let sizes = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
    var text = Array("{'descr': '\(order)\(kind)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
    let isShort = text.count < 60_000
    let lead = isShort ? 10 : 12
    let padding = (64 - (lead + text.count + 1) % 64) % 64
    text += [UInt8](repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
    var result = Self.magic + [isShort ? 1 : 2, 0]
    let count = UInt32(text.count)
    for byte in 0..<(isShort ? 2 : 4) { result.append(UInt8(truncatingIfNeeded: count >> (8 * UInt32(byte)))) }
    return result + text
  }
}
