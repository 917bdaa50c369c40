import IR

/// The messages that can hold a tensor, and the fields that lead from one to the next.
enum WireMessage {
  case model, graph, node, attribute, sparseTensor, tensor

  /// The message in a field, if tensors can be below it.
  ///
  /// Only fields the schema of CONNX names: what protobuf-c does not know is carried as it stands and must hold no
  /// placeholders, which is why sparse tensors of attributes are not looked into.
  func child(_ field: UInt64) -> WireMessage? {
    switch (self, field) {
    case (.model, 7): .graph
    case (.graph, 1): .node
    case (.graph, 5): .tensor
    case (.graph, 15): .sparseTensor
    case (.node, 5): .attribute
    case (.attribute, 5), (.attribute, 10): .tensor
    case (.attribute, 6), (.attribute, 11): .graph
    case (.sparseTensor, 1), (.sparseTensor, 2): .tensor
    default: nil
    }
  }

  /// `TensorProto.raw_data`, the only field whose payload stays where it is.
  func isPayload(_ field: UInt64) -> Bool { self == .tensor && field == 9 }
}

/// Where and why bytes are not a protobuf message.
struct WireError: Error {
  let offset: Int
  let reason: String
}

/// Stands in a message for the bytes of a `raw_data` field: which payload, and how many bytes.
///
/// Every payload is replaced, however small, so that a placeholder is never taken for data nor data for one.
struct Placeholder {
  static let byteCount = 16
  let payload: UInt64
  let count: UInt64

  init(payload: UInt64, count: UInt64) {
    self.payload = payload
    self.count = count
  }

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    payload = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    count = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  }

  func write(into bytes: inout [UInt8]) {
    withUnsafeBytes(of: payload.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: count.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Reads fields of a protobuf message one after the other, checking every bound.
struct FieldReader {
  struct Field {
    let number: UInt64
    /// The field with its tag.
    let whole: Range<Int>
    /// The payload of a length-delimited field.
    let payload: Range<Int>?
  }

  let bytes: UnsafeRawBufferPointer
  private(set) var offset: Int
  let end: Int

  init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  mutating func next() throws(WireError) -> Field? {
    guard offset < end else { return nil }
    let start = offset
    let tag = try varint()
    let number = tag >> 3
    guard number > 0, number < 1 << 29 else { throw WireError(offset: start, reason: "field number \(number)") }
    switch tag & 7 {
    case 0: _ = try varint()
    case 1: try skip(8)
    case 5: try skip(4)
    case 2:
      let at = offset
      let count = try varint()
      guard count <= UInt64(end - offset) else {
        throw WireError(offset: at, reason: "a field of \(count) bytes runs over the end")
      }
      let payload = offset..<(offset + Int(count))
      offset = payload.upperBound
      return Field(number: number, whole: start..<offset, payload: payload)
    default: throw WireError(offset: start, reason: "wire type \(tag & 7)")
    }
    return Field(number: number, whole: start..<offset, payload: nil)
  }

  private mutating func skip(_ count: Int) throws(WireError) {
    guard count <= end - offset else { throw WireError(offset: offset, reason: "a field runs over the end") }
    offset += count
  }

  private mutating func varint() throws(WireError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    let start = offset
    while offset < end {
      let byte = bytes[offset]
      offset += 1
      guard shift < 63 || byte <= 1 else { throw WireError(offset: start, reason: "a number longer than 64 bits") }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    throw WireError(offset: start, reason: "a number runs over the end")
  }
}

func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
  var value = value
  while value >= 0x80 {
    bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
    value >>= 7
  }
  bytes.append(UInt8(value))
}

func varintLength(_ value: Int) -> Int { max(1, (UInt64(value).bitWidth - UInt64(value).leadingZeroBitCount + 6) / 7) }
