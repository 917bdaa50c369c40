import Glibc

/// Where a file is to go.
enum OutputPlace {
  /// Refuses a place nothing can be written to, before work is done in vain.
  /// - Parameter force: whether a file that is there is replaced.
  static func refuse(_ path: String, force: Bool) throws {
    if !force, access(path, F_OK) == 0 { throw Failure.usage("\(path): exists already; give --force to replace it") }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    for mode in [F_OK, W_OK] where access(folder, mode) != 0 {
      throw Failure.other("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw Failure.other("\(path): cannot be written: it is a folder")
    }
  }
}
