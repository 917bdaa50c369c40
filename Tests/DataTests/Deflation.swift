import CZlib

/// Compresses, for files that tests read.
enum Deflation {
  static func deflate(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 64)
    let count = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        CZlib.deflate(&stream, Z_FINISH)
        return output.count - Int(stream.avail_out)
      }
    }
    return Array(output.prefix(count))
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 { UInt32(crc32(0, bytes, UInt32(bytes.count))) }

  /// A zip archive of one deflated entry.
  /// - Parameter announced: the size the archive claims; `nil` for the true one.
  static func zip(_ name: String, _ contents: [UInt8], announced: Int? = nil, checksum: UInt32? = nil) -> [UInt8] {
    let packed = deflate(contents, windowBits: -15)
    func little(_ values: (value: Int, bytes: Int)...) -> [UInt8] {
      values.flatMap { part in (0..<part.bytes).map { UInt8(truncatingIfNeeded: part.value >> (8 * $0)) } }
    }
    let common =
      little((20, 2), (0, 2), (8, 2), (0, 4), (Int(checksum ?? self.checksum(contents)), 4))
      + little((packed.count, 4), (announced ?? contents.count, 4), (name.utf8.count, 2), (0, 2))
    let local = little((0x0403_4b50, 4)) + common + Array(name.utf8) + packed
    let central =
      little((0x0201_4b50, 4), (20, 2)) + common + little((0, 2), (0, 2), (0, 2), (0, 4), (0, 4)) + Array(name.utf8)
    return local + central
      + little((0x0605_4b50, 4), (0, 4), (1, 2), (1, 2), (central.count, 4), (local.count, 4), (0, 2))
  }
}
