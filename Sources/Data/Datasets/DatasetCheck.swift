import IR

/// Looks for what would spoil a run hours after its start: numbers that are none, labels that are no class.
public struct DatasetCheck: Sendable {
  /// How many classes the model tells apart; `nil` where labels are no classes.
  public var classes: Int?
  /// A label that is left out of the loss instead of being a class, such as -100.
  public var ignoredLabel: Int?
  /// The sizes of the tables that inputs of numbers of rows are looked up in, by the name of the input.
  public var tableSizes: [String: Int]

  public init(classes: Int? = nil, ignoredLabel: Int? = nil, tableSizes: [String: Int] = [:]) {
    self.classes = classes
    self.ignoredLabel = ignoredLabel
    self.tableSizes = tableSizes
  }

  /// - Throws: the first fault found.
  public func run(_ dataset: any Dataset) throws(DataError) {
    guard dataset.count > 0 else { throw .empty(source: dataset.source) }
    for array in dataset.storedArrays {
      if array.tensor.dataType.isFloatingPoint {
        try checkFinite(array)
      } else if array.field == labelField {
        try checkRange(array, below: classes, except: ignoredLabel)
      } else if let size = tableSizes[array.field] {
        try checkRange(array, below: size, except: nil)
      }
    }
    try dataset.inspect()
  }

  private func checkFinite(_ array: StoredArray) throws(DataError) {
    guard let region = array.tensor.contiguousBytes() else { return }
    let place: Int? =
      switch array.tensor.dataType {
      // A number is infinite or none where all bits of the exponent are set.
      case .float: Self.first(in: region) { (bits: UInt32) in bits & 0x7f80_0000 == 0x7f80_0000 }
      case .double: Self.first(in: region) { (bits: UInt64) in bits & 0x7ff0 << 48 == 0x7ff0 << 48 }
      case .float16: Self.first(in: region) { (bits: UInt16) in bits & 0x7c00 == 0x7c00 }
      default: nil
      }
    guard let place else { return }
    let value = ElementConversion.convert(array.tensor, to: .double)?.contiguousBytes()?
      .little(UInt64.self, at: place * 8).map { Double(bitPattern: $0) }
    throw .notFinite(
      source: array.source, sample: place / max(1, Self.sampleElements(array)),
      value: value.map { $0.isNaN ? "NaN" : "infinity" } ?? "NaN or infinity")
  }

  @inline(__always)
  private static func first<T: FixedWidthInteger & BitwiseCopyable>(
    in region: ByteRegion, where isFound: (T) -> Bool
  ) -> Int? {
    let width = MemoryLayout<T>.size
    return region.withUnsafeBytes { bytes in
      (0..<(bytes.count / width)).first { isFound(bytes.loadUnaligned(fromByteOffset: $0 * width, as: T.self)) }
    }
  }

  private func checkRange(_ array: StoredArray, below bound: Int?, except ignored: Int?) throws(DataError) {
    guard let region = array.tensor.contiguousBytes() else { return }
    let reader = ElementReader(region, array.tensor.dataType)
    let limit = Int64(bound ?? .max)
    for index in 0..<array.tensor.elementCount {
      let label = reader.integer(at: index)
      if label >= 0, label < limit { continue }
      if let ignored, label == Int64(ignored) { continue }
      // Without a number of classes only what is negative is wrong.
      guard let bound else {
        throw .malformed(
          path: array.source, place: "sample \(sample(array, index))", reason: "label \(label) is negative")
      }
      guard array.field == labelField else {
        throw .rowOutOfRange(source: array.source, sample: sample(array, index), row: "\(label)", rows: bound)
      }
      throw .labelOutOfRange(
        source: array.source, sample: sample(array, index), label: "\(label)", classes: bound)
    }
  }

  private func sample(_ array: StoredArray, _ element: Int) -> Int { element / max(1, Self.sampleElements(array)) }

  private static func sampleElements(_ array: StoredArray) -> Int { array.tensor.shape.dropFirst().reduce(1, *) }
}
