import CONNX
import CProtobufC
import IR

extension ModelDecoder {
  mutating func decode(_ message: Onnx__TensorProto) throws(ONNXFileError) -> Tensor {
    let name = try text(message.name, "tensor")
    let place = "tensor \(name ?? "without a name")"
    guard message.has_data_type != 0, let type = DataType(rawValue: message.data_type) else {
      throw invalid(place, "unknown data type \(message.data_type)")
    }
    let shape = try checkedShape(message.dims, Int(message.n_dims), place)
    let count = shape.reduce(1, *)
    try checkSpelling(message, type, place)
    var tensor = Tensor(
      name: name, dataType: type, shape: shape, storage: .strings([]), docString: try text(message.doc_string, place),
      carried: CarriedFields(message.base))
    if message.has_data_location != 0, message.data_location == 1 {
      try decodeExternal(&tensor, message, place)
    } else if message.has_raw_data != 0 {
      try decodeRaw(&tensor, message, place)
    } else {
      try decodeTyped(&tensor, message, count, place)
    }
    return tensor
  }

  /// Axes no runtime goes beyond, and sizes every product of which, zeros left out, can be counted in bits.
  func checkedShape(
    _ sizes: UnsafePointer<Int64>?, _ count: Int, _ place: String
  ) throws(ONNXFileError) -> [Int] {
    guard count <= Self.rankLimit else { throw invalid(place, "it has \(count) axes, more than \(Self.rankLimit)") }
    var shape: [Int] = []
    var product = DataType.widestBits
    for index in 0..<count {
      guard let size = sizes?[index], size >= 0 else {
        throw invalid(place, "axis \(index) has the size \(sizes?[index] ?? 0)")
      }
      let (larger, overflow) = product.multipliedReportingOverflow(by: max(1, Int(size)))
      guard !overflow else { throw invalid(place, "its sizes multiply to more than can be addressed") }
      product = larger
      shape.append(Int(size))
    }
    // Indices are counted in 32 bits. The file does not bound the axes of a tensor without elements, but whoever scores
    // them needs memory for each index.
    let longest = shape.contains(0) ? Self.emptyAxisLimit : Int(Int32.max)
    if let axis = shape.firstIndex(where: { $0 > longest }) {
      throw invalid(place, "axis \(axis) has the size \(shape[axis]), more than \(longest)")
    }
    return shape
  }

  static var rankLimit: Int { 64 }
  static var emptyAxisLimit: Int { 1 << 24 }

  /// A tensor spells its elements in one way, in the field of its type. What contradicts that would be lost.
  private func checkSpelling(
    _ message: Onnx__TensorProto, _ type: DataType, _ place: String
  ) throws(ONNXFileError) {
    let fields: [(name: String, count: Int, holds: Bool)] = [
      ("float_data", Int(message.n_float_data), type == .float || type == .complex64),
      ("double_data", Int(message.n_double_data), type == .double || type == .complex128),
      ("int64_data", Int(message.n_int64_data), type == .int64),
      ("uint64_data", Int(message.n_uint64_data), type == .uint64 || type == .uint32),
      ("string_data", Int(message.n_string_data), type == .string),
      ("int32_data", Int(message.n_int32_data), type.isSpelledAsInt32),
    ]
    let isExternal = message.has_data_location != 0 && message.data_location == 1
    for field in fields where field.count > 0 {
      guard field.holds else { throw invalid(place, "\(field.name) cannot hold elements of type \(type)") }
      guard message.has_raw_data == 0, !isExternal else {
        throw invalid(place, "its elements are given twice, in \(field.name) and elsewhere")
      }
    }
    guard !isExternal || message.has_raw_data == 0 else {
      throw invalid(place, "its elements are given twice, in raw_data and in external data")
    }
  }

  private func expectedBytes(_ tensor: Tensor, _ place: String) throws(ONNXFileError) -> Int {
    guard let bytes = tensor.dataType.byteCount(elements: tensor.elementCount) else {
      throw invalid(place, "elements of its type have no raw form, or are too many")
    }
    return bytes
  }

  private func decodeRaw(
    _ tensor: inout Tensor, _ message: Onnx__TensorProto, _ place: String
  ) throws(ONNXFileError) {
    let expected = try expectedBytes(tensor, place)
    guard
      let placeholder = Placeholder(UnsafeRawBufferPointer(start: message.raw_data.data, count: message.raw_data.len))
    else { throw invalid(place, "its raw_data cannot be located") }
    guard Int(placeholder.count) == expected else {
      throw invalid(place, "raw_data has \(placeholder.count) bytes, its shape needs \(expected)")
    }
    tensor.storage = .bytes(ByteRegion(owner: source, offset: Int(placeholder.payload), count: expected))
    tensor.encoding = .raw
  }

  private mutating func decodeExternal(
    _ tensor: inout Tensor, _ message: Onnx__TensorProto, _ place: String
  ) throws(ONNXFileError) {
    let entries = try entries(message.external_data, message.n_external_data)
    let expected = try expectedBytes(tensor, place)
    tensor.storage = .bytes(
      try externalFiles.region(entries: entries, expectedBytes: expected, tensor: tensor.name ?? ""))
    let location = entries.first { $0.key == "location" }?.value ?? ""
    tensor.encoding = .external(ExternalLocation(location: location, entries: entries))
  }

  private func decodeTyped(
    _ tensor: inout Tensor, _ message: Onnx__TensorProto, _ count: Int, _ place: String
  ) throws(ONNXFileError) {
    tensor.encoding = .typed
    func check(_ found: Int, _ expected: Int) throws(ONNXFileError) {
      guard found == expected else {
        throw invalid(place, "it has \(found) values, its shape needs \(expected)")
      }
    }
    func store<Value, Stored: FixedWidthInteger>(
      _ values: UnsafeMutablePointer<Value>?, _ count: Int, as type: Stored.Type, _ convert: (Value) -> Stored?
    ) throws(ONNXFileError) {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count * MemoryLayout<Stored>.size)
      for index in 0..<count {
        guard let value = values.flatMap({ convert($0[index]) }) else {
          throw invalid(place, "value \(index) does not fit its type")
        }
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
      }
      tensor.storage = .bytes(ByteRegion(copying: bytes))
    }
    let ints = (message.int32_data, Int(message.n_int32_data))
    switch tensor.dataType {
    case .string:
      try check(Int(message.n_string_data), count)
      tensor.storage = .strings((0..<count).map { bytes(message.string_data[$0]) })
    case .float, .complex64:
      let expected = tensor.dataType == .float ? count : 2 * count
      try check(Int(message.n_float_data), expected)
      try store(message.float_data, expected, as: UInt32.self) { $0.bitPattern }
    case .double, .complex128:
      let expected = tensor.dataType == .double ? count : 2 * count
      try check(Int(message.n_double_data), expected)
      try store(message.double_data, expected, as: UInt64.self) { $0.bitPattern }
    case .int64:
      try check(Int(message.n_int64_data), count)
      try store(message.int64_data, count, as: Int64.self) { $0 }
    case .uint64, .uint32:
      try check(Int(message.n_uint64_data), count)
      if tensor.dataType == .uint64 {
        try store(message.uint64_data, count, as: UInt64.self) { $0 }
      } else {
        try store(message.uint64_data, count, as: UInt32.self) { UInt32(exactly: $0) }
      }
    case .int32:
      try check(ints.1, count)
      try store(ints.0, count, as: Int32.self) { $0 }
    case .int16:
      try check(ints.1, count)
      try store(ints.0, count, as: Int16.self) { Int16(exactly: $0) }
    case .uint16, .float16, .bfloat16:
      try check(ints.1, count)
      try store(ints.0, count, as: UInt16.self) { UInt16(exactly: $0) }
    case .int8:
      try check(ints.1, count)
      try store(ints.0, count, as: Int8.self) { Int8(exactly: $0) }
    case .bool, .uint8, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0:
      try check(ints.1, count)
      try store(ints.0, count, as: UInt8.self) { UInt8(exactly: $0) }
    case .float6E2M3, .float6E3M2:
      // Each entry is one element, four of which take three bytes in raw_data.
      try check(ints.1, count)
      try store(ints.0, count, as: UInt8.self) { 0..<64 ~= $0 ? UInt8($0) : nil }
      if case .bytes(let region) = tensor.storage {
        tensor.storage = .bytes(region.withUnsafeBytes { ByteRegion(copying: SixBits.packed($0)) })
      }
    case .uint4, .int4, .float4E2M1, .uint2, .int2:
      // Each entry is one packed byte, as in raw_data.
      try check(ints.1, try expectedBytes(tensor, place))
      try store(ints.0, ints.1, as: UInt8.self) {
        UInt8(exactly: $0) ?? Int8(exactly: $0).map { UInt8(bitPattern: $0) }
      }
    }
  }
}

extension DataType {
  /// Bits of the widest element.
  fileprivate static var widestBits: Int { 128 }

  /// Whether `int32_data` is the field for elements that are not raw.
  fileprivate var isSpelledAsInt32: Bool {
    switch self {
    case .float, .complex64, .double, .complex128, .int64, .uint64, .uint32, .string: false
    default: true
    }
  }
}
