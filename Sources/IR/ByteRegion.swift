/// Owns a stretch of memory: a mapped file or an allocation. The mapping code supplies the way to let go of it.
public final class ByteOwner: @unchecked Sendable {
  // The memory is never written after the owner is made, so sharing it between threads is safe.
  public let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  public init(_ bytes: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
    self.bytes = bytes
    self.release = release
  }

  deinit { release(bytes) }
}

/// A read-only range of bytes that stays where it is, in a mapped file or in memory, until somebody reads it.
public struct ByteRegion: Sendable {
  public let owner: ByteOwner
  public let offset: Int
  public let count: Int

  /// - Precondition: the range lies inside the owner's bytes.
  public init(owner: ByteOwner, offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset <= owner.bytes.count - count, "region outside its owner")
    self.owner = owner
    self.offset = offset
    self.count = count
  }

  /// Copies bytes into memory of their own.
  public init(copying bytes: some Collection<UInt8>) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    memory.copyBytes(from: bytes)
    let owner = ByteOwner(UnsafeRawBufferPointer(memory)) { $0.deallocate() }
    self.init(owner: owner, offset: 0, count: bytes.count)
  }

  /// Allocates `count` bytes and lets `fill` write them.
  public init<Failure: Error>(
    count: Int, initializingWith fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    let owner = ByteOwner(UnsafeRawBufferPointer(memory)) { $0.deallocate() }
    try fill(memory)
    self.init(owner: owner, offset: 0, count: count)
  }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(owner) { () throws(Failure) -> Result in
      try body(UnsafeRawBufferPointer(rebasing: owner.bytes[offset..<(offset + count)]))
    }
  }
}
