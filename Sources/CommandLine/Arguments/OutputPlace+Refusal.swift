import Coppice
import DataSources
import Files
import Glibc
import IR

extension OutputPlace {
  /// Refuses a place nothing can be written to, before work is done in vain.
  /// - Parameters:
  ///   - force: whether a file that is there is replaced.
  ///   - inputs: files and folders of pictures the command reads, which are never replaced.
  ///   - models: models the command reads; the files of their tensors are not replaced either.
  static func refuse(_ path: String, force: Bool, reading inputs: [String], models: [Model]) throws {
    try refuseInput(path, reading: inputs, models: models)
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw OutputError.cannotWrite(path: path, reason: "it is a folder; name a file in it")
    }
    if !force, access(path, F_OK) == 0 { throw OutputError.exists(path: path) }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    for mode in [F_OK, W_OK] where access(folder, mode) != 0 {
      let code = errno
      let remedy = code == ENOENT ? "; make the folder first" : ""
      throw OutputError.cannotWrite(path: path, reason: systemMessage(code) + remedy)
    }
  }

  /// Refuses a place where a file is that the command reads.
  static func refuseInput(_ path: String, reading inputs: [String], models: [Model]) throws {
    guard let file = FileIdentity(path: path) else { return }
    let read = inputs.compactMap { FileIdentity(path: $0) } + models.flatMap(\.sources)
    if read.contains(file) || inputs.contains(where: { ImageFolder.isPicture(path, in: $0) }) {
      throw OutputError.isInput(path: path)
    }
  }

  /// A path that is the same for all ways to name a file, also one that is yet to be.
  static func resolved(_ path: String) -> String {
    if let file = resolvedPath(path) { return file }
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    return (resolvedPath(folder) ?? folder) + "/" + name
  }

  /// Whether something is there that holds what was written before, and not a device or a pipe.
  static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}
