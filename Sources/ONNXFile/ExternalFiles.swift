import Files
import Glibc
import IR

/// The files beside a model that hold tensors, each mapped once.
///
/// Only files inside the model's own folder are opened: a model must not read other files.
struct ExternalFiles {
  private let modelPath: String
  private var files: [String: MappedFile] = [:]
  /// The folders the model may read from: its own, and that of the file it is a link to, as caches of models lay
  /// them out.
  private var folders: [String]?

  /// The files that were opened.
  var identities: [FileIdentity] { files.values.map(\.identity) }

  init(modelPath: String) { self.modelPath = modelPath }

  mutating func region(
    entries: [MetadataEntry], expectedBytes: Int, tensor: String
  ) throws(ONNXFileError) -> ByteRegion {
    func value(_ key: String) -> String? { entries.last { $0.key == key }?.value }
    let path = modelPath
    func refuse(_ reason: String) -> ONNXFileError { .externalData(path: path, tensor: tensor, reason: reason) }
    guard let location = value("location"), !location.isEmpty else { throw refuse("no location is given") }
    let offset = value("offset").map { Int($0) } ?? 0
    guard let offset, offset >= 0 else { throw refuse("the offset \(value("offset") ?? "") is not a position") }
    let length = value("length").map { Int($0) } ?? expectedBytes
    guard let length, length == expectedBytes else {
      throw refuse("its length is \(value("length") ?? ""), its shape needs \(expectedBytes) bytes")
    }
    if length == 0 { return ByteRegion(copying: []) }
    let file = try open(location, refuse)
    let available = file.owner.bytes.count
    guard offset <= available, length <= available - offset else {
      throw refuse(
        "bytes \(offset) to \(offset.addingReportingOverflow(length).partialValue) lie outside \(location), which has \(available)"
      )
    }
    return ByteRegion(owner: file.owner, offset: offset, count: length)
  }

  private mutating func open(
    _ location: String, _ refuse: (String) -> ONNXFileError
  ) throws(ONNXFileError) -> MappedFile {
    if let file = files[location] { return file }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.contains("\\"), !parts.contains("..") else {
      throw refuse("the location \(location) leads out of the model's folder; only files inside it are read")
    }
    let folder = modelPath.lastIndex(of: "/").map { String(modelPath[..<$0]) } ?? "."
    let path = (folder.isEmpty ? "/" : folder) + "/" + location
    guard let resolved = resolvedPath(path) else { throw refuse("\(location): \(systemMessage(errno))") }
    let folders = self.folders ?? Self.folders(of: modelPath, in: folder)
    self.folders = folders
    guard folders.contains(where: { resolved.hasPrefix($0) }) else {
      throw refuse("the location \(location) leads out of the model's folder; only files inside it are read")
    }
    let file: MappedFile
    do throws(InputError) { file = try MappedFile(path: resolved) } catch {
      throw refuse("\(location) cannot be read: \(error.reason)")
    }
    files[location] = file
    return file
  }

  private static func folders(of modelPath: String, in folder: String) -> [String] {
    var folders = [resolvedPath(folder.isEmpty ? "/" : folder)].compactMap { $0 }
    if let model = resolvedPath(modelPath), let slash = model.lastIndex(of: "/") {
      folders.append(String(model[..<slash]))
    }
    return folders.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
  }
}
