import Glibc
import IR

/// A file that appears at its path whole or not at all: written beside it under another name, then renamed.
struct OutputFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
  private var filled = 0
  private(set) var byteCount = 0
  private var isDone = false

  /// - Parameter permissions: those of the file that is replaced; `nil` for those every new file gets.
  init(path: String, permissions: mode_t? = nil) throws(ONNXFileError) {
    self.path = path
    var attempt = 0
    while true {
      let candidate = "\(path).\(getpid()).\(attempt).partial"
      let opened = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 {
        descriptor = opened
        temporaryPath = candidate
        TemporaryFiles.add(candidate)
        if let permissions { fchmod(opened, permissions) }
        return
      }
      guard errno == EEXIST, attempt < 100 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
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

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(ONNXFileError) {
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

  mutating func pad(to offset: Int) throws(ONNXFileError) {
    while byteCount < offset {
      let zeros = [UInt8](repeating: 0, count: min(4096, offset - byteCount))
      try zeros.withUnsafeBufferPointer { bytes throws(ONNXFileError) in try write(UnsafeRawBufferPointer(bytes)) }
    }
  }

  mutating func write(_ payload: Payload) throws(ONNXFileError) {
    switch payload {
    case .region(let region):
      try region.withUnsafeBytes { bytes throws(ONNXFileError) in try write(bytes) }
    case .view(let view):
      // Gathered straight into the buffer; a view is handed over in pieces that fit it.
      var gatherer = ViewGatherer(view)
      while !gatherer.isAtEnd {
        if buffer.count - filled < view.elementBytes { try flush() }
        let count = gatherer.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        filled += count
        byteCount += count
        if !gatherer.isAtEnd { try flush() }
      }
    }
  }

  private mutating func flush() throws(ONNXFileError) {
    let pending = filled
    filled = 0
    try put(UnsafeRawBufferPointer(rebasing: buffer[..<pending]))
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(ONNXFileError) {
    var rest = bytes
    while rest.count > 0 {
      let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Makes the bytes durable if asked; what follows is only the rename.
  mutating func finish(durable: Bool) throws(ONNXFileError) {
    try flush()
    if durable, fdatasync(descriptor) != 0 { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
  }

  mutating func publish() throws(ONNXFileError) {
    guard rename(temporaryPath, path) == 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    TemporaryFiles.remove(temporaryPath)
    isDone = true
  }
}
