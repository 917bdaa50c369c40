import IR

/// Splits comma-separated text into cells (RFC 4180): quoted cells may hold commas, line ends and doubled quotes.
struct CSVReader {
  struct Cell: Equatable {
    var text: String
    /// Both from 1; the column counts bytes of the line.
    var line: Int
    var column: Int
  }

  private let bytes: UnsafeRawBufferPointer
  private let separator: UInt8
  private let path: String
  private var position = 0
  private var line = 1
  private var lineStart = 0

  init(_ bytes: UnsafeRawBufferPointer, separator: UInt8 = UInt8(ascii: ","), path: String) {
    self.bytes = bytes
    self.separator = separator
    self.path = path
    // Spreadsheets put a byte order mark in front.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      position = 3
      lineStart = 3
    }
  }

  /// The cells of the next line that is not blank, or `nil` at the end.
  mutating func next(into cells: inout [Cell]) throws(DataError) -> Bool {
    cells.removeAll(keepingCapacity: true)
    while position < bytes.count, skipLineEnd() {}
    guard position < bytes.count else { return false }
    while true {
      cells.append(try cell())
      guard position < bytes.count, bytes[position] == separator else { break }
      position += 1
    }
    guard position == bytes.count || skipLineEnd() else {
      throw fault(line, position - lineStart + 1, "text goes on after a closing quote")
    }
    return true
  }

  func fault(_ line: Int, _ column: Int, _ reason: String) -> DataError {
    .malformed(path: path, place: "\(line):\(column)", reason: reason)
  }

  private mutating func skipLineEnd() -> Bool {
    guard bytes[position] == 0x0a || bytes[position] == 0x0d else { return false }
    if bytes[position] == 0x0d, position + 1 < bytes.count, bytes[position + 1] == 0x0a { position += 1 }
    position += 1
    line += 1
    lineStart = position
    return true
  }

  private mutating func cell() throws(DataError) -> Cell {
    let start = (line: line, column: position - lineStart + 1)
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      return Cell(text: try quoted(start), line: start.line, column: start.column)
    }
    let from = position
    while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0a, bytes[position] != 0x0d {
      position += 1
    }
    return Cell(
      text: Self.trimmed(String(decoding: bytes[from..<position], as: UTF8.self)), line: start.line,
      column: start.column)
  }

  private mutating func quoted(_ start: (line: Int, column: Int)) throws(DataError) -> String {
    var text: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        guard position < bytes.count, bytes[position] == byte else { return String(decoding: text, as: UTF8.self) }
        position += 1
      } else if byte == 0x0a {
        line += 1
        lineStart = position
      }
      text.append(byte)
    }
    throw fault(start.line, start.column, "a quote is not closed")
  }

  private static func trimmed(_ text: String) -> String {
    guard text.first == " " || text.last == " " || text.first == "\t" || text.last == "\t" else { return text }
    let rest = text.drop { $0 == " " || $0 == "\t" }
    return String(rest.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
