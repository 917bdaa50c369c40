import Glibc
import Synchronization

/// The unfinished outputs of this process, so that an interruption can remove them.
package enum TemporaryFiles {
  private struct Entry {
    var path: UnsafeMutablePointer<CChar>?
    /// Where the file belongs if the work is not finished; `nil`: nowhere.
    var home: UnsafeMutablePointer<CChar>?
  }

  private static let capacity = 16
  // A fixed table of C strings: a signal handler may read it, but not allocate or lock. Strings are never freed, which
  // costs a path a file, because the handler may be reading them. Writers take turns by the lock.
  nonisolated(unsafe) private static let entries = {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    entries.initialize(repeating: Entry(path: nil, home: nil), count: capacity)
    return entries
  }()
  private static let lock = Mutex<Void>(())

  /// Makes the list, which a signal handler could not; to be called before one is installed.
  package static func prepare() { _ = entries }

  /// - Parameter home: where the file is put back to if it is not taken from the list before the process is
  ///   interrupted; without one it is removed.
  package static func add(_ path: String, home: String? = nil) {
    lock.withLock { _ in
      guard let free = (0..<capacity).first(where: { entries[$0].path == nil }) else { return }
      entries[free].home = home.flatMap { strdup($0) }
      entries[free].path = strdup(path)
    }
  }

  package static func remove(_ path: String) {
    lock.withLock { _ in
      for index in 0..<capacity {
        guard let listed = entries[index].path, String(cString: listed) == path else { continue }
        entries[index].path = nil
      }
    }
  }

  /// Unlinks them all, or puts them back. Safe to call from a signal handler.
  package static func removeAll() {
    for index in 0..<capacity {
      guard let path = entries[index].path else { continue }
      if let home = entries[index].home { rename(path, home) }
      // Also after a rename, which does nothing where both names are of one file.
      unlink(path)
    }
  }
}
