import CZlib
import IR

/// Decompresses with zlib, never more than was announced.
enum Inflation {
  enum Container {
    /// Bare deflate, as in zip files.
    case raw
    case gzip

    fileprivate var windowBits: Int32 {
      switch self {
      case .raw: -15
      case .gzip: 31
      }
    }
  }

  /// Deflate cannot make more than this of one byte; an announcement beyond it is a lie.
  static let largestRatio = 1032

  /// What decompression came to.
  struct Outcome {
    var count: Int
    /// Whether the compressed data ended with the last byte written.
    var isAtEnd: Bool
  }

  /// Fills `output` as far as the data goes.
  /// - Returns: `nil` where the data is not deflate's.
  static func inflate(
    _ input: UnsafeRawBufferPointer, _ container: Container, into output: UnsafeMutableRawBufferPointer
  ) -> Outcome? {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(&stream, container.windowBits, ZLIB_VERSION, size) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    // An output without bytes has no address, which zlib refuses; one byte tells whether there was more.
    var spare: UInt8 = 0
    var consumed = 0
    var produced = 0
    return withUnsafeMutableBytes(of: &spare) { spare in
      while true {
        let chunk = min(input.count - consumed, 1 << 30)
        let isFull = produced == output.count
        let room = isFull ? 1 : min(output.count - produced, 1 << 30)
        let base = isFull ? spare.baseAddress : output.baseAddress.map { $0 + produced }
        stream.next_in = input.baseAddress.map {
          UnsafeMutablePointer(mutating: ($0 + consumed).assumingMemoryBound(to: UInt8.self))
        }
        stream.avail_in = UInt32(chunk)
        stream.next_out = base?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room)
        let status = CZlib.inflate(&stream, Z_NO_FLUSH)
        let taken = chunk - Int(stream.avail_in)
        let made = room - Int(stream.avail_out)
        consumed += taken
        if isFull, made > 0 { return Outcome(count: produced, isAtEnd: false) }
        produced += made
        if status == Z_STREAM_END { return Outcome(count: produced, isAtEnd: true) }
        guard status == Z_OK || status == Z_BUF_ERROR else { return nil }
        // No step forward: the input is cut off.
        if taken == 0, made == 0 { return nil }
      }
    }
  }

  /// Decompresses exactly `count` bytes.
  /// - Returns: `nil` where the data is broken, shorter or longer.
  static func inflate(_ input: ByteRegion, _ container: Container, count: Int) -> ByteRegion? {
    guard count >= 0, count / largestRatio <= input.count else { return nil }
    var isWhole = false
    let region = ByteRegion(count: count) { output in
      let outcome = input.withUnsafeBytes { inflate($0, container, into: output) }
      isWhole = outcome.map { $0.isAtEnd && $0.count == count } ?? false
    }
    return isWhole ? region : nil
  }

  static func checksum(_ region: ByteRegion) -> UInt32 { region.withUnsafeBytes { checksum($0) } }

  /// - Parameter previous: the checksum of the bytes before these.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
    // Without an address zlib forgets what went before.
    guard let base = bytes.baseAddress, bytes.count > 0 else { return previous }
    return UInt32(truncatingIfNeeded: crc32_z(uLong(previous), base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  static func isGzip(_ region: ByteRegion) -> Bool { region.big(UInt16.self, at: 0) == 0x1f8b }

  /// The contents of a file that may be gzipped. A gzip file announces its size modulo 2³² at its end.
  static func contents(of file: InputFile) throws(DataError) -> ByteRegion {
    let region = file.region
    guard isGzip(region) else { return region }
    guard let announced = region.little(UInt32.self, at: region.count - 4),
      let inflated = inflate(region, .gzip, count: Int(announced))
    else {
      throw .malformed(path: file.path, place: "", reason: "the compressed data is broken")
    }
    return inflated
  }
}
