import Coppice
import Dispatch

/// Hashes a file on another thread while this one analyses and scores it.
final class BackgroundDigest: Sendable {
  // Written by the one block of the group before the group is done, read only afterwards.
  nonisolated(unsafe) private var digest = ""
  private let group = DispatchGroup()

  init(_ region: ByteRegion) {
    DispatchQueue.global(qos: .userInitiated).async(group: group) {
      self.digest = region.withUnsafeBytes { Plan.digest(of: $0) }
    }
  }

  /// SHA-256 of the file in hexadecimal, once it is there.
  func value() -> String {
    group.wait()
    return digest
  }
}
