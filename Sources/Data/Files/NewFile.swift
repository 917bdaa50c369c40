import Glibc
import IR

/// A file that appears at its path whole or not at all: written beside it under another name, then renamed.
struct NewFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private(set) var byteCount = 0
  private var isDone = false

  private init(path: String, temporaryPath: String, descriptor: Int32) {
    self.path = path
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  /// - Parameter overwrite: whether a file that is there is replaced.
  static func create(_ path: String, overwrite: Bool) throws(DataError) -> NewFile {
    let target = try Self.target(of: path, overwrite: overwrite)
    let (descriptor, temporaryPath) = try open(beside: target)
    return NewFile(path: target, temporaryPath: temporaryPath, descriptor: descriptor)
  }

  /// The file itself where `path` is a link to one: a link stays one.
  private static func target(of path: String, overwrite: Bool) throws(DataError) -> String {
    var information = stat()
    guard stat(path, &information) == 0 else { return path }
    guard information.st_mode & S_IFMT == S_IFREG else { throw .cannotWrite(path: path, reason: "it is not a file") }
    guard overwrite else { throw .outputExists(path: path) }
    guard let resolved = realpath(path, nil) else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func open(beside path: String) throws(DataError) -> (Int32, String) {
    var attempt = 0
    while true {
      let candidate = "\(path).\(getpid()).\(attempt).partial"
      let opened = Glibc.open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 { return (opened, candidate) }
      guard errno == EEXIST, attempt < 100 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
      attempt += 1
    }
  }

  deinit {
    close(descriptor)
    if !isDone { unlink(temporaryPath) }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
    var rest = bytes
    while rest.count > 0 {
      let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    byteCount += bytes.count
  }

  mutating func write(_ bytes: [UInt8]) throws(DataError) {
    try bytes.withUnsafeBufferPointer { buffer throws(DataError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  mutating func write(_ region: ByteRegion) throws(DataError) {
    try region.withUnsafeBytes { buffer throws(DataError) in try write(buffer) }
  }

  mutating func publish() throws(DataError) {
    guard rename(temporaryPath, path) == 0 else { throw .cannotWrite(path: path, reason: systemMessage(errno)) }
    isDone = true
  }
}
