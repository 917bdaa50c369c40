import IR

/// The table of contents of a zip file, read from its end (APPNOTE.TXT, PKWARE): stored and deflated entries, with
/// 64-bit sizes where they are needed.
struct ZipArchive {
  struct Entry {
    var name: String
    var method: UInt16
    var flags: UInt16
    var checksum: UInt32
    var compressedCount: Int
    var count: Int
    var headerOffset: Int
  }

  let path: String
  private let region: ByteRegion
  private(set) var entries: [Entry] = []

  init(_ file: InputFile) throws(DataError) {
    path = file.path
    region = file.region
    var (count, offset) = try directory()
    var names: Set<String> = []
    while count > 0 {
      let entry = try self.entry(at: &offset)
      guard names.insert(entry.name).inserted else { throw malformed("\(entry.name) is in it twice") }
      if !entry.name.hasSuffix("/") { entries.append(entry) }
      count -= 1
    }
  }

  /// The bytes of an entry, checked against its checksum.
  func contents(of entry: Entry) throws(DataError) -> ByteRegion {
    guard entry.flags & 1 == 0 else {
      throw .unsupported(path: path, place: entry.name, reason: "it is encrypted; save it without a password")
    }
    guard region.little(UInt32.self, at: entry.headerOffset) == 0x0403_4b50,
      let nameCount = region.little(UInt16.self, at: entry.headerOffset + 26),
      let extraCount = region.little(UInt16.self, at: entry.headerOffset + 28),
      let data = region.slice(entry.headerOffset + 30 + Int(nameCount) + Int(extraCount), entry.compressedCount)
    else { throw malformed("\(entry.name) lies outside of the file") }
    let contents: ByteRegion
    switch entry.method {
    case 0:
      guard entry.compressedCount == entry.count else { throw malformed("the two sizes of \(entry.name) differ") }
      contents = data
    case 8:
      guard let inflated = Inflation.inflate(data, .raw, count: entry.count) else {
        throw malformed("\(entry.name) does not decompress to the \(entry.count) bytes it announces")
      }
      contents = inflated
    default:
      throw .unsupported(
        path: path, place: entry.name,
        reason: "it is compressed by method \(entry.method); use numpy.savez or savez_compressed")
    }
    guard Inflation.checksum(contents) == entry.checksum else { throw malformed("\(entry.name) has a wrong checksum") }
    return contents
  }

  private func malformed(_ reason: String) -> DataError { .malformed(path: path, place: "", reason: reason) }

  /// Finds the table of contents.
  private func directory() throws(DataError) -> (count: Int, offset: Int) {
    guard let end = endRecord(), let short = region.little(UInt16.self, at: end + 10),
      let shortOffset = region.little(UInt32.self, at: end + 16)
    else { throw malformed("it does not end like a zip archive") }
    guard short == .max || shortOffset == .max else { return (Int(short), Int(shortOffset)) }
    guard region.little(UInt32.self, at: end - 20) == 0x0706_4b50,
      let place = region.little(UInt64.self, at: end - 12).flatMap({ Int(exactly: $0) }),
      region.little(UInt32.self, at: place) == 0x0606_4b50,
      let count = region.little(UInt64.self, at: place + 32).flatMap({ Int(exactly: $0) }),
      let offset = region.little(UInt64.self, at: place + 48).flatMap({ Int(exactly: $0) }),
      // An entry takes 46 bytes at least.
      count <= region.count / 46
    else { throw malformed("its 64-bit table of contents is broken") }
    return (count, offset)
  }

  /// The record every archive ends with, before a comment of at most 65,535 bytes.
  private func endRecord() -> Int? {
    var position = region.count - 22
    let last = max(0, position - 65_535)
    while position >= last {
      if region.little(UInt32.self, at: position) == 0x0605_4b50,
        region.little(UInt16.self, at: position + 20).map(Int.init) == region.count - position - 22
      {
        return position
      }
      position -= 1
    }
    return nil
  }

  private func entry(at offset: inout Int) throws(DataError) -> Entry {
    guard region.little(UInt32.self, at: offset) == 0x0201_4b50, let fields = region.slice(offset, 46),
      let nameCount = fields.little(UInt16.self, at: 28), let extraCount = fields.little(UInt16.self, at: 30),
      let commentCount = fields.little(UInt16.self, at: 32),
      let name = region.text(offset + 46, Int(nameCount)),
      let extra = region.slice(offset + 46 + Int(nameCount), Int(extraCount))
    else { throw malformed("its table of contents is broken at byte \(offset)") }
    var entry = Entry(
      name: name, method: fields.little(UInt16.self, at: 10) ?? 0, flags: fields.little(UInt16.self, at: 8) ?? 0,
      checksum: fields.little(UInt32.self, at: 16) ?? 0,
      compressedCount: Int(fields.little(UInt32.self, at: 20) ?? 0),
      count: Int(fields.little(UInt32.self, at: 24) ?? 0),
      headerOffset: Int(fields.little(UInt32.self, at: 42) ?? 0))
    try widen(&entry, extra)
    offset += 46 + Int(nameCount) + Int(extraCount) + Int(commentCount)
    return entry
  }

  /// Takes those sizes that need 64 bits from the entry's extra field.
  private func widen(_ entry: inout Entry, _ extra: ByteRegion) throws(DataError) {
    let mark = Int(UInt32.max)
    guard entry.count == mark || entry.compressedCount == mark || entry.headerOffset == mark else { return }
    var start = 0
    while let tag = extra.little(UInt16.self, at: start), let size = extra.little(UInt16.self, at: start + 2) {
      guard tag == 1, let numbers = extra.slice(start + 4, Int(size)) else {
        start += 4 + Int(size)
        continue
      }
      var next = 0
      for field in [\Entry.count, \.compressedCount, \.headerOffset] where entry[keyPath: field] == mark {
        guard let value = numbers.little(UInt64.self, at: next).flatMap({ Int(exactly: $0) }) else { break }
        entry[keyPath: field] = value
        next += 8
      }
      return
    }
    // Without the field the size is really this; whether the bytes are there is checked when they are read.
  }
}
