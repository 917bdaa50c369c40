import Glibc
import Synchronization

/// Says which mapped file became shorter while it was read, which the system reports by a signal.
///
/// A map of a file that another process cuts has no bytes behind it any more; touching them raises `SIGBUS`, and
/// there is nothing to go on with.
public enum MapGuard {
  private struct Entry {
    var start: UInt
    var end: UInt
    /// Room for the name, as long as the process lives: a handler on another thread may be reading it.
    let path: UnsafeMutablePointer<CChar>
  }

  private static let capacity = 256
  /// Longer names are cut, before the 0 that ends them.
  private static let pathSize = 1024
  // Fixed memory: a signal handler may read it, but not allocate or lock. Writers take turns by the lock.
  nonisolated(unsafe) private static let entries = {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    let paths = UnsafeMutablePointer<CChar>.allocate(capacity: capacity * pathSize)
    paths.initialize(repeating: 0, count: capacity * pathSize)
    for index in 0..<capacity {
      (entries + index).initialize(to: Entry(start: 0, end: 0, path: paths + index * pathSize))
    }
    return entries
  }()
  private static let lock = Mutex<Void>(())

  static func add(_ bytes: UnsafeRawBufferPointer, path: String) {
    let start = UInt(bitPattern: bytes.baseAddress)
    lock.withLock { _ in
      guard let free = (0..<capacity).first(where: { entries[$0].end == 0 }) else { return }
      strncpy(entries[free].path, path, pathSize - 1)
      entries[free].start = start
      entries[free].end = start + UInt(bytes.count)
    }
  }

  static func remove(_ bytes: UnsafeRawBufferPointer) {
    let start = UInt(bitPattern: bytes.baseAddress)
    lock.withLock { _ in
      guard let index = (0..<capacity).first(where: { entries[$0].end != 0 && entries[$0].start == start }) else {
        return
      }
      entries[index].end = 0
    }
  }

  /// From now on a vanished map ends the process with one error line and `code`, and removes unfinished outputs.
  public static func install(code: Int32) {
    _ = entries
    TemporaryFiles.prepare()
    exitCode = code
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    action.__sigaction_handler.sa_sigaction = { _, information, _ in
      let address = UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
      MapGuard.end(at: address)
    }
    sigaction(SIGBUS, &action, nil)
  }

  nonisolated(unsafe) private static var exitCode: Int32 = 1

  /// Runs in the signal handler: nothing here allocates.
  private static func end(at address: UInt) -> Never {
    TemporaryFiles.removeAll()
    say("error: ", 7)
    for index in 0..<capacity where address >= entries[index].start && address < entries[index].end {
      let path = entries[index].path
      _ = write(STDERR_FILENO, path, strlen(path))
      say(": ", 2)
      break
    }
    say("the file became shorter while it was read\n", 42)
    _exit(exitCode)
  }

  private static func say(_ text: StaticString, _ count: Int) { _ = write(STDERR_FILENO, text.utf8Start, count) }
}
