import IR

/// Reads the binary version of CIFAR-10 and CIFAR-100: records of one or two labels and 3 × 32 × 32 bytes.
public enum CIFARFile {
  /// Which of the two sets, and which of CIFAR-100's labels.
  public enum Kind: String, Sendable, CaseIterable {
    case cifar10 = "cifar-10"
    case cifar100 = "cifar-100"
    case cifar100Coarse = "cifar-100-coarse"

    var labelBytes: Int { self == .cifar10 ? 1 : 2 }
    /// A record has the coarse label before the fine one.
    var labelOffset: Int { self == .cifar100 ? 1 : 0 }
    var recordBytes: Int { labelBytes + CIFARFile.imageBytes }
  }

  static let imageBytes = 3 * 32 * 32

  /// The kind that the names of the files tell, or `nil`.
  public static func kind(of path: String) -> Kind? {
    if InputFile.isFolder(path) {
      if InputFile.exists(path + "/data_batch_1.bin") { return .cifar10 }
      return InputFile.exists(path + "/train.bin") && InputFile.exists(path + "/fine_label_names.txt") ? .cifar100 : nil
    }
    let name = InputFile.name(of: path)
    guard name.hasSuffix(".bin") else { return nil }
    if name.hasPrefix("data_batch_") || name == "test_batch.bin" { return .cifar10 }
    let folder = path.contains("/") ? String(path.dropLast(name.count)) : "./"
    return ["train.bin", "test.bin"].contains(name) && InputFile.exists(folder + "fine_label_names.txt")
      ? .cifar100 : nil
  }

  /// Images and labels of one file, or of the training files of a folder.
  public static func read(_ path: String, _ kind: Kind) throws(DataError) -> (images: Tensor, labels: Tensor) {
    var files: [InputFile] = []
    for file in try paths(path, kind) {
      let input = try InputFile(path: file)
      guard input.count % kind.recordBytes == 0 else {
        throw .malformed(
          path: file, place: "", reason: "\(input.count) bytes are not a number of records of \(kind.recordBytes)")
      }
      files.append(input)
    }
    let count = files.reduce(0) { $0 + $1.count / kind.recordBytes }
    let images = ByteRegion(count: count * imageBytes) { output in
      forEachRecord(files, kind) { index, record in
        let target = UnsafeMutableRawBufferPointer(rebasing: output[(index * imageBytes)...])
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: record[kind.labelBytes...]))
      }
    }
    let labels = ByteRegion(count: count) { output in
      forEachRecord(files, kind) { index, record in output[index] = record[kind.labelOffset] }
    }
    return (
      Tensor(dataType: .uint8, shape: [count, 3, 32, 32], storage: .bytes(images)),
      Tensor(dataType: .uint8, shape: [count], storage: .bytes(labels))
    )
  }

  private static func paths(_ path: String, _ kind: Kind) throws(DataError) -> [String] {
    guard InputFile.isFolder(path) else { return [path] }
    let names = try InputFile.names(in: path).filter { name in
      kind == .cifar10 ? name.hasPrefix("data_batch_") && name.hasSuffix(".bin") : name == "train.bin"
    }
    guard !names.isEmpty else { throw .empty(source: path) }
    return names.map { "\(path)/\($0)" }
  }

  private static func forEachRecord(_ files: [InputFile], _ kind: Kind, _ body: (Int, UnsafeRawBufferPointer) -> Void) {
    var index = 0
    for file in files {
      file.region.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: kind.recordBytes) {
          body(index, UnsafeRawBufferPointer(rebasing: bytes[start..<(start + kind.recordBytes)]))
          index += 1
        }
      }
    }
  }
}

extension ArrayDataset {
  /// A CIFAR file, or a folder of which the training files are read.
  public init(cifar path: String, _ kind: CIFARFile.Kind, field: String) throws(DataError) {
    let (images, labels) = try CIFARFile.read(path, kind)
    try self.init(
      [
        StoredArray(field: field, source: path, tensor: images),
        StoredArray(field: labelField, source: "\(path): labels", tensor: labels),
      ], source: path)
  }
}
