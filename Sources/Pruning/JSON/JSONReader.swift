/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  public let line: Int
  public let column: Int
  public let reason: String

  public var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONText {
  /// Reads a JSON text strictly: no duplicate keys, no comments, at most 64 levels.
  public init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    var reader = JSONReader(bytes: Array(bytes))
    self = try reader.document()
  }

  public subscript(key: String) -> JSONText? {
    if case .object(let pairs) = self { pairs.first { $0.0 == key }?.1 } else { nil }
  }

  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var int: Int? { if case .int(let value) = self { value } else { nil } }
  public var array: [JSONText]? { if case .array(let values) = self { values } else { nil } }
}

private struct JSONReader {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSONText {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error("text after the value") }
    return value
  }

  private func error(_ reason: String) -> JSONError {
    let before = bytes[..<min(position, bytes.count)]
    let line = before.count { $0 == 10 } + 1
    let column = before.count - (before.lastIndex(of: 10).map { $0 + 1 } ?? 0) + 1
    return JSONError(line: line, column: column, reason: reason)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
  }

  private mutating func accept(_ character: Character) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONText {
    guard depth < 64 else { throw error("nested more than 64 deep") }
    if accept("{") { return try object(depth) }
    if accept("[") {
      var values: [JSONText] = []
      if accept("]") { return .array(values) }
      repeat { values.append(try value(depth: depth + 1)) } while accept(",")
      guard accept("]") else { throw error("expected , or ]") }
      return .array(values)
    }
    if accept("\"") { return .string(try string()) }
    return try word()
  }

  private mutating func object(_ depth: Int) throws(JSONError) -> JSONText {
    var pairs: [(String, JSONText)] = []
    var keys: Set<String> = []
    if accept("}") { return .object(pairs) }
    repeat {
      guard accept("\"") else { throw error("expected a key") }
      let key = try string()
      guard keys.insert(key).inserted else { throw error("the key \(key) stands twice") }
      guard accept(":") else { throw error("expected :") }
      pairs.append((key, try value(depth: depth + 1)))
    } while accept(",")
    guard accept("}") else { throw error("expected , or }") }
    return .object(pairs)
  }

  private mutating func word() throws(JSONError) -> JSONText {
    let start = position
    while position < bytes.count, !",]} \t\r\n".utf8.contains(bytes[position]) { position += 1 }
    let word = String(decoding: bytes[start..<position], as: UTF8.self)
    switch word {
    case "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    default:
      if let number = Int(word) { return .int(number) }
      if let number = Double(word), number.isFinite { return .double(number) }
      position = start
      throw error("expected a value")
    }
  }

  private mutating func string() throws(JSONError) -> String {
    var result: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == 0x22 {
        guard let string = String(validating: result, as: UTF8.self) else { throw error("text that is not UTF-8") }
        return string
      }
      guard byte >= 0x20 else { throw error("a control character in a string") }
      if byte == 0x5C { try escape(into: &result) } else { result.append(byte) }
    }
    throw error("a string without an end")
  }

  private mutating func escape(into result: inout [UInt8]) throws(JSONError) {
    guard position < bytes.count else { throw error("a string without an end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(10)
    case UInt8(ascii: "t"): result.append(9)
    case UInt8(ascii: "r"): result.append(13)
    case UInt8(ascii: "b"): result.append(8)
    case UInt8(ascii: "f"): result.append(12)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "u"):
      var unit = try codeUnit()
      if unit & 0xFC00 == 0xD800 {
        guard position + 1 < bytes.count, bytes[position] == 0x5C, bytes[position + 1] == UInt8(ascii: "u") else {
          throw error("half a surrogate pair")
        }
        position += 2
        unit = 0x10000 + (unit & 0x3FF) << 10 + (try codeUnit()) & 0x3FF
      }
      guard let scalar = Unicode.Scalar(unit) else { throw error("not a character") }
      result += Array(String(Character(scalar)).utf8)
    default: throw error("an unknown escape")
    }
  }

  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    guard position + 4 <= bytes.count,
      let unit = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
    else { throw error("expected four hexadecimal digits") }
    position += 4
    return unit
  }
}
