import IR

/// Samples in arrays whose first axes count them.
public struct ArrayDataset: Dataset {
  public let source: String
  public let count: Int
  public let fields: [DataField]
  public let storedArrays: [StoredArray]
  private let regions: [ByteRegion]

  /// - Throws: where there are no samples, an array has no axes or no plain elements, or their numbers differ.
  public init(_ arrays: [StoredArray], source: String) throws(DataError) {
    var fields: [DataField] = []
    var regions: [ByteRegion] = []
    for array in arrays {
      guard !array.tensor.shape.isEmpty else {
        throw .unsupported(
          path: array.source, place: "", reason: "it is a single number; its first axis must count samples")
      }
      guard let region = array.tensor.contiguousBytes(), array.tensor.dataType.byteWidth != nil else {
        throw .unsupported(path: array.source, place: "", reason: "its elements are \(array.tensor.dataType)")
      }
      regions.append(region)
      fields.append(
        DataField(
          name: array.field, dataType: array.tensor.dataType, shape: Array(array.tensor.shape.dropFirst()),
          source: array.source))
    }
    let counts = arrays.map { $0.tensor.shape[0] }
    // Samples without any number are none, however many are said to be there.
    guard let count = counts.first, !arrays.allSatisfy({ $0.tensor.shape.contains(0) }) else {
      throw .empty(source: source)
    }
    guard counts.allSatisfy({ $0 == count }) else {
      throw .unevenCounts(source: source, counts: arrays.map { "\($0.field) has \($0.tensor.shape[0])" })
    }
    self.source = source
    self.count = count
    self.fields = fields
    self.regions = regions
    storedArrays = arrays
  }

  public func keeping(_ fields: Set<String>) -> any Dataset {
    let kept = self.fields.indices.filter { fields.contains(self.fields[$0].name) }
    guard !kept.isEmpty, kept.count < self.fields.count else { return self }
    return ArrayDataset(self, kept)
  }

  /// Some of another one's arrays, which were checked there.
  private init(_ other: ArrayDataset, _ kept: [Int]) {
    source = other.source
    count = other.count
    fields = kept.map { other.fields[$0] }
    storedArrays = kept.map { other.storedArrays[$0] }
    regions = kept.map { other.regions[$0] }
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (field, region) in zip(fields, regions) {
      let bytes = field.elementCount * (field.dataType.byteWidth ?? 0)
      let rows = ByteRegion(count: bytes * indices.count) { output in
        region.withUnsafeBytes { input in
          for (row, index) in indices.enumerated() where bytes > 0 {
            let part = UnsafeRawBufferPointer(rebasing: input[(index * bytes)..<((index + 1) * bytes)])
            UnsafeMutableRawBufferPointer(rebasing: output[(row * bytes)...]).copyMemory(from: part)
          }
        }
      }
      result[field.name] = Tensor(
        name: field.name, dataType: field.dataType, shape: [indices.count] + field.shape, storage: .bytes(rows))
    }
    return result
  }
}

extension ArrayDataset {
  /// The arrays of an `.npz` archive under their names.
  public init(archive path: String) throws(DataError) {
    let tensors = try NumPyFile.readArchive(path)
    let arrays = tensors.map { tensor in
      let name = tensor.name ?? ""
      return StoredArray(field: name, source: "\(path): array \(name)", tensor: tensor)
    }
    try self.init(arrays, source: path)
  }

  /// One array: inputs without labels.
  public init(array path: String, field: String) throws(DataError) {
    let tensor = try NumPyFile.read(path)
    try self.init([StoredArray(field: field, source: path, tensor: tensor)], source: path)
  }
}
