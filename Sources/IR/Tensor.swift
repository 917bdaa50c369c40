/// A constant: an initializer, or the payload of a `Constant` node or another attribute.
public struct Tensor: Sendable {
  /// Where the elements are.
  public enum Storage: Sendable {
    /// Little-endian elements in row-major order, as in `raw_data`; 4-bit types pack two to a byte, low half first.
    case bytes(ByteRegion)
    /// Elements of another tensor chosen along each axis, gathered only when they are read or written.
    case view(TensorView)
    case strings([[UInt8]])
  }

  /// How the file spells the elements. Writing keeps the spelling of tensors nobody changed.
  public enum Encoding: Sendable, Equatable {
    case raw
    /// `float_data`, `int32_data` and their like.
    case typed
    /// In another file, with whatever entries beside location, offset and length the model carried.
    case external(ExternalLocation)
  }

  public var name: String?
  public var dataType: DataType
  public var shape: [Int]
  public var storage: Storage
  public var encoding: Encoding
  public var docString: String?
  public var carried: CarriedFields

  public init(
    name: String? = nil, dataType: DataType, shape: [Int], storage: Storage, encoding: Encoding = .raw,
    docString: String? = nil, carried: CarriedFields = .none
  ) {
    self.name = name
    self.dataType = dataType
    self.shape = shape
    self.storage = storage
    self.encoding = encoding
    self.docString = docString
    self.carried = carried
  }

  /// A vector of `int64`, the type of every shape in ONNX.
  public init(name: String? = nil, int64s: [Int64], shape: [Int]? = nil) {
    let region = int64s.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(name: name, dataType: .int64, shape: shape ?? [int64s.count], storage: .bytes(region))
  }

  /// Floats in row-major order; a vector unless a shape is given.
  /// - Precondition: the shape has as many elements.
  public init(name: String? = nil, floats: [Float], shape: [Int]? = nil) {
    let shape = shape ?? [floats.count]
    precondition(shape.reduce(1, *) == floats.count, "\(floats.count) numbers for a tensor of shape \(shape)")
    let region = floats.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(name: name, dataType: .float, shape: shape, storage: .bytes(region))
  }

  /// A vector in double precision.
  public init(name: String? = nil, doubles: [Double]) {
    let region = doubles.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(name: name, dataType: .double, shape: [doubles.count], storage: .bytes(region))
  }

  /// Integers as `int32` or, for every other type, as `int64`; a vector unless a shape is given.
  public init(ints: [Int], _ type: DataType, shape: [Int]? = nil) {
    guard type == .int32 else {
      self.init(int64s: ints.map { Int64($0) }, shape: shape)
      return
    }
    let region = ints.map { Int32(truncatingIfNeeded: $0) }.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(dataType: .int32, shape: shape ?? [ints.count], storage: .bytes(region))
  }

  /// Number of elements. Readers have checked that the product does not overflow.
  public var elementCount: Int { shape.reduce(1, *) }

  /// Bytes of the elements as `raw_data` would hold them.
  public var byteCount: Int {
    switch storage {
    case .bytes(let region): region.count
    case .view: dataType.byteCount(elements: elementCount) ?? 0
    case .strings(let strings): strings.reduce(0) { $0 + $1.count }
    }
  }

  /// The elements as contiguous little-endian bytes: the region itself, or a gathered copy of a view.
  /// - Returns: `nil` for strings.
  public func contiguousBytes() -> ByteRegion? {
    switch storage {
    case .bytes(let region): region
    case .view(let view): view.gathered()
    case .strings: nil
    }
  }
}

/// Where an external tensor's bytes are, as the model spells it.
public struct ExternalLocation: Sendable, Equatable {
  /// Path relative to the model's folder.
  public var location: String
  /// Every `external_data` entry in file order, `location` included.
  public var entries: [MetadataEntry]

  public init(location: String, entries: [MetadataEntry]) {
    self.location = location
    self.entries = entries
  }
}
