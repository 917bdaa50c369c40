import IR

/// A long text as token numbers, cut into windows: the input is a window without its last token, the label the same
/// without its first.
public struct TokenDataset: Dataset {
  public let source: String
  public let count: Int
  public let fields: [DataField]
  public let sequenceLength: Int
  private let tokens: Tensor
  private let region: ByteRegion
  private let stride: Int

  /// - Parameters:
  ///   - sequenceLength: tokens of an input; a window has one more.
  ///   - stride: tokens from one window's start to the next one's; `nil` for `sequenceLength`, with which every token
  ///     is a label once.
  public init(
    _ tokens: Tensor, source: String, sequenceLength: Int, stride: Int? = nil, field: String
  ) throws(DataError) {
    guard sequenceLength > 0 else {
      throw .setting(name: "sequence length", reason: "\(sequenceLength) is not positive")
    }
    let stride = stride ?? sequenceLength
    guard stride > 0 else { throw .setting(name: "stride", reason: "\(stride) is not positive") }
    guard tokens.shape.count == 1, let region = tokens.contiguousBytes(), Self.types.contains(tokens.dataType) else {
      throw .unsupported(
        path: source, place: "",
        reason: "tokens are one row of integers, not \(tokens.dataType) of shape "
          + DataError.text(tokens.shape))
    }
    guard tokens.elementCount > sequenceLength else {
      throw .malformed(
        path: source, place: "",
        reason: "\(tokens.elementCount) tokens are less than a window of \(sequenceLength) and the token after it")
    }
    self.tokens = tokens
    self.region = region
    self.source = source
    self.sequenceLength = sequenceLength
    self.stride = stride
    count = (tokens.elementCount - sequenceLength - 1) / stride + 1
    fields = [field, labelField].map {
      DataField(name: $0, dataType: .int64, shape: [sequenceLength], source: source)
    }
  }

  /// A `.npy` file of integers, or a `.bin` file of little-endian 16-bit ones.
  public init(
    _ path: String, sequenceLength: Int, stride: Int? = nil, field: String
  ) throws(DataError) {
    try self.init(
      try Self.tokens(path), source: path, sequenceLength: sequenceLength, stride: stride, field: field)
  }

  static func tokens(_ path: String) throws(DataError) -> Tensor {
    if path.hasSuffix(".npy") { return try NumPyFile.read(path) }
    let region = try InputFile(path: path).region
    guard region.count % 2 == 0 else {
      throw .malformed(path: path, place: "", reason: "\(region.count) bytes are not a number of 16-bit tokens")
    }
    return Tensor(dataType: .uint16, shape: [region.count / 2], storage: .bytes(region))
  }

  static let types: Set<DataType> = [.uint8, .uint16, .int16, .uint32, .int32, .int64]

  public var storedArrays: [StoredArray] {
    fields.map { StoredArray(field: $0.name, source: source, tensor: tokens) }
  }

  public func inspect() throws(DataError) -> UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.add("\(sequenceLength) \(stride)")
    return fingerprint.value
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (shift, field) in fields.enumerated() {
      var values: [Int64] = []
      values.reserveCapacity(indices.count * sequenceLength)
      for index in indices {
        let part = ElementReader(region, tokens.dataType)
        for place in 0..<sequenceLength { values.append(part.integer(at: index * stride + shift + place)) }
      }
      result[field.name] = Tensor(name: field.name, int64s: values, shape: [indices.count, sequenceLength])
    }
    return result
  }
}
