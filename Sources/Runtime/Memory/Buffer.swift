import Glibc
import IR

/// A stretch of memory that tensors of a running model lie in, aligned to 64 bytes unless it belongs to a file.
final class Buffer: @unchecked Sendable {
  // Programs write into a buffer only while they run, and one program runs on one thread of its caller at a time.
  let start: UnsafeMutableRawPointer
  let byteCount: Int
  /// Keeps the bytes of a tensor alive that are used where they are; never written.
  private let region: ByteRegion?
  /// What the allocator gave; `nil` where the memory belongs to something else.
  private let allocation: UnsafeMutableRawPointer?
  private static let alignment = 64

  /// Memory of its own, with arbitrary contents.
  /// - Parameter what: needs it, for the error.
  /// - Throws: where the machine does not have as much.
  init(byteCount: Int, for what: @autoclosure () -> String = "a tensor") throws(RuntimeError) {
    // What is promised beyond the machine's memory is not there when it is written to.
    guard byteCount >= 0, byteCount <= MachineMemory.byteCount,
      // A piece as large as one that was let go of takes its place, which one that must be aligned does not.
      let allocation = malloc((byteCount / Self.alignment + 2) * Self.alignment)
    else {
      throw RuntimeError(
        "\(what()) takes \(byteCount) bytes of memory, which this machine does not have; use smaller inputs or a smaller "
          + "batch")
    }
    self.byteCount = byteCount
    self.allocation = allocation
    start = allocation.alignedUp(toMultipleOf: Self.alignment)
    region = nil
  }

  /// Reads a tensor's bytes where they are.
  init(borrowing region: ByteRegion) {
    byteCount = region.count
    start = UnsafeMutableRawPointer(mutating: region.owner.bytes.baseAddress.map { $0 + region.offset } ?? Self.nothing)
    self.region = region
    allocation = nil
  }

  /// Memory that belongs to something else, which outlives the buffer.
  init(unowned start: UnsafeMutableRawPointer, byteCount: Int) {
    self.start = start
    self.byteCount = byteCount
    region = nil
    allocation = nil
  }

  deinit { free(allocation) }

  /// The bytes for somebody who reads them after programs are done; `nil` where they belong to something else.
  func owner() -> ByteOwner? {
    guard allocation != nil else { return nil }
    return ByteOwner(bytes) { _ in withExtendedLifetime(self) {} }
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: byteCount) }

  nonisolated(unsafe) private static let nothing = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: alignment, alignment: alignment))
}

/// A tensor of a running model.
struct RuntimeValue: Sendable {
  var buffer: Buffer
  /// The type of the elements in memory, see ``Precision/storage(_:)``.
  var type: DataType
  var declaredType: DataType
  var shape: [Int]

  /// Room for a tensor.
  /// - Throws: where it would not fit into any memory.
  init(declaredType: DataType, shape: [Int], precision: Precision) throws(RuntimeError) {
    let type = precision.storage(declaredType)
    guard let bytes = RuntimeValue.byteCount(type, shape) else {
      throw RuntimeError("a tensor of type \(declaredType) and shape \(shape) cannot be held in memory")
    }
    let buffer = try Buffer(byteCount: bytes, for: "a tensor of type \(declaredType) and shape \(shape)")
    self.init(buffer: buffer, type: type, declaredType: declaredType, shape: shape)
  }

  init(buffer: Buffer, type: DataType, declaredType: DataType, shape: [Int]) {
    self.buffer = buffer
    self.type = type
    self.declaredType = declaredType
    self.shape = shape
  }

  var count: Int { shape.reduce(1, *) }

  /// Bytes of a tensor in memory, one at least for each element; `nil` on overflow and for strings.
  static func byteCount(_ type: DataType, _ shape: [Int]) -> Int? {
    guard let width = elementBytes(type) else { return nil }
    var bytes = width
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow, product < 1 << 46 else { return nil }
      bytes = product
    }
    return bytes
  }

  /// Bytes of one element in memory: types smaller than a byte take a whole one.
  static func elementBytes(_ type: DataType) -> Int? { type.bitWidth.map { max(1, $0 / 8) } }
}
