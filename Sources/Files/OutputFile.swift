import Glibc
import IR

/// A file that appears at its place whole or not at all: written beside it under another name, then renamed.
package struct OutputFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  package private(set) var byteCount = 0
  private var isDone = false

  package init(at place: OutputPlace) throws(OutputError) {
    path = place.path
    var attempt = 0
    while true {
      let candidate = "\(place.path).\(getpid()).\(attempt).partial"
      // Listed before it is there: a signal in between would leave it.
      TemporaryFiles.add(candidate)
      let opened = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 {
        descriptor = opened
        temporaryPath = candidate
        buffer = .allocate(byteCount: 1 << 20, alignment: 64)
        if let permissions = place.permissions { fchmod(opened, permissions) }
        return
      }
      let error = errno
      TemporaryFiles.remove(candidate)
      guard error == EEXIST, attempt < 100 else {
        throw .cannotWrite(path: place.path, reason: systemMessage(error))
      }
      attempt += 1
    }
  }

  deinit {
    buffer.deallocate()
    close(descriptor)
    if !isDone {
      unlink(temporaryPath)
      TemporaryFiles.remove(temporaryPath)
    }
  }

  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(OutputError) {
    let isLarge = bytes.count >= buffer.count / 2
    if isLarge || bytes.count > buffer.count - filled { try flush() }
    if isLarge {
      try put(bytes)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
      filled += bytes.count
    }
    byteCount += bytes.count
  }

  package mutating func write(_ bytes: [UInt8]) throws(OutputError) {
    try bytes.withUnsafeBufferPointer { bytes throws(OutputError) in try write(UnsafeRawBufferPointer(bytes)) }
  }

  package mutating func write(_ region: ByteRegion) throws(OutputError) {
    try region.withUnsafeBytes { bytes throws(OutputError) in try write(bytes) }
  }

  /// Lets `gather` put bytes straight into the buffer, so that what is collected is not copied twice.
  /// - Parameter gather: fills the room it is given, which is never empty, as far as it can, and returns how many bytes
  ///   that was.
  package mutating func write(gathering gather: (UnsafeMutableRawBufferPointer) -> Int) throws(OutputError) {
    if filled == buffer.count { try flush() }
    let count = gather(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
    filled += count
    byteCount += count
  }

  package mutating func pad(to offset: Int) throws(OutputError) {
    while byteCount < offset { try write([UInt8](repeating: 0, count: min(4096, offset - byteCount))) }
  }

  private mutating func flush() throws(OutputError) {
    let pending = filled
    filled = 0
    try put(UnsafeRawBufferPointer(rebasing: buffer[..<pending]))
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(OutputError) {
    var rest = bytes
    while rest.count > 0 {
      // In pieces: a signal is not heard before the system has taken one.
      let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, 1 << 26))
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Makes the bytes durable if asked; what follows is only the rename.
  package mutating func finish(durable: Bool) throws(OutputError) {
    try flush()
    if durable, fdatasync(descriptor) != 0 { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
  }

  /// Gives the file its name, once it is finished.
  package mutating func publish() throws(OutputError) {
    guard rename(temporaryPath, path) == 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    TemporaryFiles.remove(temporaryPath)
    isDone = true
  }
}
