import Glibc
import IR

extension FileIdentity {
  package init(_ information: stat) {
    self.init(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
  }

  /// The file a path leads to, or `nil` where there is none.
  public init?(path: String) {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    self.init(information)
  }
}
