import Coppice
import Glibc

/// Hashes a file on a second thread while the first analyses and scores it.
final class BackgroundDigest: @unchecked Sendable {
  // `result` is written by the thread before it ends and read only after it was joined.
  private let region: ByteRegion
  private var result = ""
  private var thread = pthread_t()
  private var isRunning = false

  init(_ region: ByteRegion) {
    self.region = region
    let context = Unmanaged.passRetained(self).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let digest = Unmanaged<BackgroundDigest>.fromOpaque(context).takeRetainedValue()
        digest.hash()
        return nil
      }, context)
    isRunning = status == 0
    if !isRunning {
      Unmanaged<BackgroundDigest>.fromOpaque(context).release()
      hash()
    }
  }

  private func hash() { result = region.withUnsafeBytes { Plan.digest(of: $0) } }

  /// The digest, once it is there.
  func value() -> String {
    if isRunning {
      pthread_join(thread, nil)
      isRunning = false
    }
    return result
  }
}
