import Files
import Glibc

/// Makes two files appear together, or neither.
///
/// No file system renames two files at once. The first one is put back when the second fails or the process is
/// interrupted in between.
enum Publication {
  static func publish(
    data: consuming OutputFile, at place: OutputPlace, then model: () throws(OutputError) -> Void
  ) throws(OutputError) {
    let backup = place.exists ? try self.backup(of: place.path) : nil
    let undo = backup ?? place.path
    TemporaryFiles.add(undo, home: backup == nil ? nil : place.path)
    do throws(OutputError) {
      try data.publish()
      try model()
    } catch {
      if backup != nil { rename(undo, place.path) }
      unlink(undo)
      TemporaryFiles.remove(undo)
      throw error
    }
    TemporaryFiles.remove(undo)
    if let backup { unlink(backup) }
  }

  /// A second name for a file, so that the first can be given to another; where a file system has no second names,
  /// another name.
  private static func backup(of path: String) throws(OutputError) -> String {
    for attempt in 0..<100 {
      let name = "\(path).\(getpid()).\(attempt).replaced"
      if link(path, name) == 0 { return name }
      if errno == EEXIST { continue }
      if access(name, F_OK) != 0, rename(path, name) == 0 { return name }
      break
    }
    throw .cannotWrite(path: path, reason: systemMessage(errno))
  }
}
