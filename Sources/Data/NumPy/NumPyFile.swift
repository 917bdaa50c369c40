import Files
import IR

/// Arrays in NumPy's formats: one in an `.npy` file, several under names in an `.npz` archive.
public enum NumPyFile {
  /// Reads one array. Its elements stay in the mapped file unless their order has to be changed.
  public static func read(_ path: String) throws(DataError) -> Tensor {
    let file = try InputFile(path: path)
    return try array(in: file.region, path: path, name: nil)
  }

  /// Reads the arrays of an archive, in the order of the file. Those stored uncompressed stay in the mapped file.
  public static func readArchive(_ path: String) throws(DataError) -> [Tensor] {
    let archive = try ZipArchive(try InputFile(path: path))
    var tensors: [Tensor] = []
    for entry in archive.entries {
      let suffix = ".npy"
      guard entry.name.hasSuffix(suffix) else { continue }
      let name = String(entry.name.dropLast(suffix.count))
      tensors.append(try array(in: try archive.contents(of: entry), path: path, name: name))
    }
    return tensors
  }

  /// Writes one array.
  /// - Parameter overwrite: whether a file that is there is replaced.
  public static func write(_ tensor: Tensor, to path: String, overwrite: Bool = false) throws(OutputError) {
    let (head, body) = try encoded(tensor, path: path)
    var file = try OutputFile(at: OutputPlace(path, overwrite: overwrite, protecting: []))
    try file.write(head)
    try file.write(body)
    try file.finish(durable: true)
    try file.publish()
  }

  /// Writes arrays under their names, uncompressed, so that they can be mapped.
  /// - Parameter overwrite: whether a file that is there is replaced.
  public static func writeArchive(
    _ tensors: [Tensor], to path: String, overwrite: Bool = false
  ) throws(OutputError) {
    var names: Set<String> = []
    var parts: [(name: String, head: [UInt8], body: ByteRegion)] = []
    for (index, tensor) in tensors.enumerated() {
      let name = tensor.name ?? "arr_\(index)"
      guard names.insert(name).inserted else { throw .cannotWrite(path: path, reason: "two arrays are named \(name)") }
      let (head, body) = try encoded(tensor, path: path)
      parts.append((name + ".npy", head, body))
    }
    var writer = ZipWriter(try OutputFile(at: OutputPlace(path, overwrite: overwrite, protecting: [])))
    for part in parts { try writer.add(part.name, head: part.head, body: part.body) }
    try writer.finish()
  }

  private static func encoded(_ tensor: Tensor, path: String) throws(OutputError) -> ([UInt8], ByteRegion) {
    guard let head = NumPyHeader(dataType: tensor.dataType, shape: tensor.shape).encoded(),
      let body = tensor.contiguousBytes()
    else {
      throw .cannotWrite(
        path: path, reason: "array \(tensor.name ?? "") is of type \(tensor.dataType), which NumPy has no name for")
    }
    return (head, body)
  }

  /// - Parameter name: the array's name in an archive.
  static func array(in region: ByteRegion, path: String, name: String?) throws(DataError) -> Tensor {
    let place = name.map { "array \($0)" } ?? ""
    let header: NumPyHeader
    do throws(NumPyHeader.Fault) {
      header = try NumPyHeader(region)
    } catch {
      switch error {
      case .malformed(let reason): throw .malformed(path: path, place: place, reason: reason)
      case .unsupported(let reason): throw .unsupported(path: path, place: place, reason: reason)
      }
    }
    let needed = header.elementBytes ?? 0
    let present = region.count - header.byteCount
    guard needed <= present, let elements = region.slice(header.byteCount, needed) else {
      throw .malformed(
        path: path, place: place,
        reason: "shape \(DataError.text(header.shape)) needs \(needed) bytes, there are \(present)")
    }
    if header.dataType == .bool, elements.withUnsafeBytes({ $0.contains { $0 > 1 } }) {
      throw .malformed(path: path, place: place, reason: "a boolean is neither 0 nor 1")
    }
    let ordered = ElementOrder.rowMajor(elements, header)
    return Tensor(name: name, dataType: header.dataType, shape: header.shape, storage: .bytes(ordered))
  }
}
