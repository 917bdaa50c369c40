import Glibc
import IR
import Synchronization

/// Bytes beyond what should be kept in memory: they are in a file without a name, in the folder for temporary files
/// (`TMPDIR`, or else /tmp), and are read where they are. Where nobody holds them any more, others take their room.
package final class SpillFile: Sendable {
  private let folder: String
  private let descriptor: Int32
  private let rooms = Mutex(Rooms())

  /// Which parts of the file are taken.
  private struct Rooms {
    var end = 0
    var free: [Range<Int>] = []

    /// The first part that is large enough, or one more at the end.
    mutating func take(_ count: Int) -> Range<Int> {
      if let index = free.firstIndex(where: { $0.count >= count }) {
        let found = free[index]
        let rest = (found.lowerBound + count)..<found.upperBound
        if rest.isEmpty { free.remove(at: index) } else { free[index] = rest }
        return found.lowerBound..<rest.lowerBound
      }
      defer { end += count }
      return end..<(end + count)
    }
  }

  package init(in folder: String? = nil) throws(OutputError) {
    let folder = folder ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    self.folder = folder
    var name = Array("\(folder)/coppice-XXXXXX".utf8CString)
    descriptor = mkstemp(&name)
    guard descriptor >= 0 else { throw .cannotWrite(path: folder, reason: systemMessage(errno)) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    // Whatever ends the process, nothing is left of it.
    unlink(name)
  }

  deinit { close(descriptor) }

  /// A copy of the bytes in the file.
  package func store(_ region: ByteRegion) throws(OutputError) -> ByteRegion {
    guard region.count > 0 else { return region }
    let page = Int(getpagesize())
    let room = rooms.withLock { $0.take((region.count + page - 1) / page * page) }
    try region.withUnsafeBytes { (bytes) throws(OutputError) in try put(bytes, at: room.lowerBound) }
    guard let memory = mmap(nil, region.count, PROT_READ, MAP_SHARED, descriptor, off_t(room.lowerBound)),
      memory != MAP_FAILED
    else { throw .cannotWrite(path: folder, reason: systemMessage(errno)) }
    let owner = ByteOwner(UnsafeRawBufferPointer(start: memory, count: region.count)) { bytes in
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
      self.rooms.withLock { $0.free.append(room) }
    }
    return ByteRegion(owner: owner, offset: 0, count: region.count)
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(OutputError) {
    guard let start = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, start + done, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw .cannotWrite(path: folder, reason: count < 0 ? systemMessage(errno) : "it takes no more")
      }
      done += count
    }
  }
}
