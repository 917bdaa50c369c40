import Glibc
import IR

/// Reads IDX files, the format of the MNIST family: a number of axes, their sizes, the elements, all big-endian.
public enum IDXFile {
  /// - Parameter path: a file as it is, or gzipped.
  public static func read(_ path: String) throws(DataError) -> Tensor {
    let file = try InputFile(path: path)
    let isCompressed = Inflation.isGzip(file.region)
    guard let head = isCompressed ? inflatedHead(file.region) : file.region else {
      throw .malformed(path: path, place: "", reason: "the compressed data is broken")
    }
    let header = try header(head, path: path)
    guard let needed = header.elementBytes, needed <= Int.max - header.byteCount else {
      throw .malformed(path: path, place: "", reason: "its sizes are beyond what can be counted")
    }
    let total = header.byteCount + needed
    let whole = isCompressed ? Inflation.inflate(file.region, .gzip, count: total) : file.region
    guard let whole, whole.count == total, let elements = whole.slice(header.byteCount, needed) else {
      throw .malformed(
        path: path, place: "", reason: "shape \(DataError.text(header.shape)) needs \(total) bytes, which are not there"
      )
    }
    return Tensor(
      dataType: header.dataType, shape: header.shape, storage: .bytes(ElementOrder.rowMajor(elements, header)))
  }

  /// The file of the labels that belong to one of images, by the names the family uses:
  /// `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`.
  /// - Returns: `nil` where the name is another, or there is no such file.
  public static func labels(forImages path: String) -> String? {
    let name = InputFile.name(of: path)
    let folder = path.dropLast(name.count)
    guard let images = firstRange(of: "images", in: name) else { return nil }
    var words = name.replacing(images, with: "labels")
    if let rank = firstRange(of: "idx3", in: words) { words = words.replacing(rank, with: "idx1") }
    let plain = words.hasSuffix(".gz") ? String(words.dropLast(3)) : words
    return [words, plain, plain + ".gz"].map { folder + $0 }.first { InputFile.exists($0) }
  }

  private static func firstRange(of word: String, in name: String) -> Range<String.Index>? {
    var start = name.startIndex
    while start < name.endIndex {
      if name[start...].hasPrefix(word) { return start..<name.index(start, offsetBy: word.count) }
      start = name.index(after: start)
    }
    return nil
  }

  private static func inflatedHead(_ region: ByteRegion) -> ByteRegion? {
    let largest = 4 + 4 * 255
    var count: Int?
    let head = ByteRegion(count: largest) { output in
      count = region.withUnsafeBytes { Inflation.inflate($0, .gzip, into: output)?.count }
    }
    return count.flatMap { head.slice(0, $0) }
  }

  private static func header(_ head: ByteRegion, path: String) throws(DataError) -> NumPyHeader {
    guard head.big(UInt16.self, at: 0) == 0, let code = head.little(UInt8.self, at: 2),
      let rank = head.little(UInt8.self, at: 3), let type = types[code], rank > 0
    else { throw .malformed(path: path, place: "", reason: "it does not start like an IDX file") }
    var shape: [Int] = []
    for axis in 0..<Int(rank) {
      guard let size = head.big(UInt32.self, at: 4 + 4 * axis) else {
        throw .malformed(path: path, place: "", reason: "it ends before its sizes do")
      }
      shape.append(Int(size))
    }
    var header = NumPyHeader(dataType: type, shape: shape)
    header.isBigEndian = true
    header.byteCount = 4 + 4 * Int(rank)
    return header
  }

  private static let types: [UInt8: DataType] = [
    0x08: .uint8, 0x09: .int8, 0x0b: .int16, 0x0c: .int32, 0x0d: .float, 0x0e: .double,
  ]
}

extension String {
  fileprivate func replacing(_ range: Range<Index>, with word: String) -> String {
    self[..<range.lowerBound] + word + self[range.upperBound...]
  }
}

extension ArrayDataset {
  /// Images and labels in IDX files: images become 1 × height × width.
  /// - Parameter labels: the file of the labels; `nil` for the one whose name belongs to that of the images.
  public init(idx path: String, labels: String? = nil, field: String) throws(DataError) {
    var images = try IDXFile.read(path)
    if images.shape.count == 3 { images.shape.insert(1, at: 1) }
    var arrays = [StoredArray(field: field, source: path, tensor: images)]
    if let labels = labels ?? IDXFile.labels(forImages: path) {
      let tensor = try IDXFile.read(labels)
      guard tensor.shape.count == 1 else {
        throw .malformed(path: labels, place: "", reason: "labels have \(tensor.shape.count) axes instead of one")
      }
      arrays.append(StoredArray(field: labelField, source: labels, tensor: tensor))
    }
    try self.init(arrays, source: path)
  }
}
