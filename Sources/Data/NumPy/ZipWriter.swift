import Files
import IR

/// Writes a zip archive of stored entries whose bodies start at multiples of 64 bytes.
struct ZipWriter: ~Copyable {
  private struct Entry {
    var name: [UInt8]
    var checksum: UInt32
    var count: Int
    var offset: Int
  }

  private var file: OutputFile
  private var entries: [Entry] = []

  init(_ file: consuming OutputFile) { self.file = file }

  /// Adds an entry of `head` followed by `body`.
  mutating func add(_ name: String, head: [UInt8], body: ByteRegion) throws(OutputError) {
    let entry = Entry(
      name: Array(name.utf8), checksum: Self.checksum(head, body), count: head.count + body.count,
      offset: file.byteCount)
    entries.append(entry)
    var record = Bytes()
    record.put(UInt32(0x0403_4b50))
    record.put(common(entry))
    record.put(UInt32.max)
    record.put(UInt32.max)
    record.put(UInt16(entry.name.count))
    // 64-bit sizes always, and an unused field that moves the contents to a multiple of 64.
    let start = entry.offset + 30 + entry.name.count + 20 + 4
    let padding = (64 - start % 64) % 64
    record.put(UInt16(20 + 4 + padding))
    record.bytes += entry.name
    record.put(UInt16(1))
    record.put(UInt16(16))
    record.put(UInt64(entry.count))
    record.put(UInt64(entry.count))
    record.put(UInt16(0x5043))
    record.put(UInt16(padding))
    record.bytes += [UInt8](repeating: 0, count: padding)
    try file.write(record.bytes)
    try file.write(head)
    try file.write(body)
  }

  /// Writes the table of contents and publishes the file.
  consuming func finish() throws(OutputError) {
    let start = file.byteCount
    for entry in entries { try file.write(listing(entry)) }
    try file.write(ending(start: start, size: file.byteCount - start))
    try file.finish(durable: true)
    try file.publish()
  }

  /// Version needed, flags (names are UTF-8), method, time, date (the first that can be written, so that equal data
  /// gives equal files) and checksum.
  private func common(_ entry: Entry) -> [UInt8] {
    var record = Bytes()
    for value: UInt16 in [45, 0x0800, 0, 0, 0x0021] { record.put(value) }
    record.put(entry.checksum)
    return record.bytes
  }

  private func listing(_ entry: Entry) -> [UInt8] {
    var record = Bytes()
    record.put(UInt32(0x0201_4b50))
    record.put(UInt16(45))
    record.put(common(entry))
    record.put(UInt32.max)
    record.put(UInt32.max)
    for value in [entry.name.count, 28, 0, 0, 0] { record.put(UInt16(value)) }
    record.put(UInt32(0))
    record.put(UInt32.max)
    record.bytes += entry.name
    record.put(UInt16(1))
    record.put(UInt16(24))
    for value in [entry.count, entry.count, entry.offset] { record.put(UInt64(value)) }
    return record.bytes
  }

  private func ending(start: Int, size: Int) -> [UInt8] {
    var record = Bytes()
    record.put(UInt32(0x0606_4b50))
    record.put(UInt64(44))
    record.put(UInt16(45))
    record.put(UInt16(45))
    record.put(UInt32(0))
    record.put(UInt32(0))
    for value in [entries.count, entries.count, size, start] { record.put(UInt64(value)) }
    record.put(UInt32(0x0706_4b50))
    record.put(UInt32(0))
    record.put(UInt64(start + size))
    record.put(UInt32(1))
    record.put(UInt32(0x0605_4b50))
    for value: UInt16 in [0, 0, .max, .max] { record.put(value) }
    record.put(UInt32.max)
    record.put(UInt32.max)
    record.put(UInt16(0))
    return record.bytes
  }

  private static func checksum(_ head: [UInt8], _ body: ByteRegion) -> UInt32 {
    let first = head.withUnsafeBytes { Inflation.checksum($0) }
    return body.withUnsafeBytes { Inflation.checksum($0, after: first) }
  }

  private struct Bytes {
    var bytes: [UInt8] = []

    mutating func put<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ other: [UInt8]) { bytes += other }
  }
}
