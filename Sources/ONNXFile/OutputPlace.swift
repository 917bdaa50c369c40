import Glibc
import IR

/// Where an output goes: checked, links followed, and what is there already.
struct OutputPlace {
  /// The file itself, not a link to it: a link stays one.
  let path: String
  /// The permissions of the file that is replaced, which its successor keeps.
  let permissions: mode_t?

  var exists: Bool { permissions != nil }

  /// - Throws: where something is there that must not be replaced.
  init(_ path: String, overwrite: Bool, protecting sources: [FileIdentity]) throws(ONNXFileError) {
    var information = stat()
    if stat(path, &information) != 0 {
      var link = stat()
      guard lstat(path, &link) != 0 else {
        throw .cannotWrite(path: path, reason: "it is a link that leads to nothing")
      }
      self.path = path
      permissions = nil
      return
    }
    guard !sources.contains(FileIdentity(information)) else { throw .outputIsInput(path: path) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw .cannotWrite(path: path, reason: "it is not a file") }
    guard overwrite else { throw .outputExists(path: path) }
    guard let resolved = realpath(path, nil) else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    defer { free(resolved) }
    self.path = String(cString: resolved)
    permissions = information.st_mode & 0o777
  }

  /// The place of the external data of a model at `path`.
  static func dataPath(of path: String) -> String { path + ".data" }

  static func fileName(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}
