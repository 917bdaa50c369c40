import Glibc
import IR
import ONNXFile

/// Where a file is to go.
enum OutputPlace {
  /// Refuses a place nothing can be written to, before work is done in vain.
  /// - Parameters:
  ///   - force: whether a file that is there is replaced.
  ///   - inputs: files the command reads, which are never replaced.
  static func refuse(_ path: String, force: Bool, reading inputs: [String]) throws {
    if let identity = FileIdentity(path: path), inputs.contains(where: { FileIdentity(path: $0) == identity }) {
      throw Failure.usage("\(path): is a file the input is read from; choose another output")
    }
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
  /// Whether something is there that holds what was written before, and not a device or a pipe.
  static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}
