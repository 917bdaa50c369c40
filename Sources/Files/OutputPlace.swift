import Glibc
import IR

/// Where an output goes: checked, links followed, and what is there already.
package struct OutputPlace {
  /// The file itself, not a link to it: a link stays one.
  package let path: String
  /// The permissions of the file that is replaced, which its successor keeps; `nil` where there is none.
  package let permissions: mode_t?

  package var exists: Bool { permissions != nil }

  /// - Throws: where something is there that must not be replaced.
  package init(_ path: String, overwrite: Bool, protecting sources: [FileIdentity]) throws(OutputError) {
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
    guard !sources.contains(FileIdentity(information)) else { throw .isInput(path: path) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw .cannotWrite(path: path, reason: "it is not a file") }
    guard overwrite else { throw .exists(path: path) }
    guard let resolved = resolvedPath(path) else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    self.path = resolved
    permissions = information.st_mode & 0o777
  }
}
