import Glibc

/// The unfinished outputs of this process, so that an interruption can remove them.
public enum TemporaryFiles {
  // A fixed table of C strings: a signal handler may read it, but not allocate or lock.
  nonisolated(unsafe) private static let slots = {
    let slots = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 16)
    slots.initialize(repeating: nil, count: 16)
    return slots
  }()

  static func add(_ path: String) {
    for index in 0..<16 where slots[index] == nil {
      slots[index] = strdup(path)
      return
    }
  }

  static func remove(_ path: String) {
    for index in 0..<16 {
      guard let slot = slots[index], String(cString: slot) == path else { continue }
      slots[index] = nil
      free(slot)
    }
  }

  /// Unlinks them all. Safe to call from a signal handler.
  public static func removeAll() {
    for index in 0..<16 {
      if let slot = slots[index] { unlink(slot) }
    }
  }
}
