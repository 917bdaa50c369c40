import IR

/// Reads the dictionary in a NumPy header: a Python literal of which only what NumPy writes is understood.
struct NumPyHeaderParser {
  struct Fields {
    var descr: String
    var isFortran: Bool
    var shape: [Int]
  }

  typealias Fault = NumPyHeader.Fault

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func fields() throws(Fault) -> Fields {
    var descr: String?
    var isFortran: Bool?
    var shape: [Int]?
    try expect("{")
    while !skip("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr":
        if peek() == UInt8(ascii: "[") {
          throw .unsupported("its elements are records (a structured dtype); save each field as an array")
        }
        descr = try string()
      case "fortran_order": isFortran = try boolean()
      case "shape": shape = try tuple()
      default: throw .malformed("its header has an unknown key '\(key)'")
      }
      guard skip(",") || peek() == UInt8(ascii: "}") else { throw .malformed("its header is not a dictionary") }
    }
    guard peek() == nil else { throw .malformed("its header goes on after the dictionary") }
    guard let descr, let isFortran, let shape else {
      throw .malformed("its header lacks descr, fortran_order or shape")
    }
    return Fields(descr: descr, isFortran: isFortran, shape: shape)
  }

  private mutating func peek() -> UInt8? {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  private mutating func skip(_ symbol: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: symbol) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ symbol: Unicode.Scalar) throws(Fault) {
    guard skip(symbol) else { throw .malformed("its header lacks a '\(symbol)' at byte \(position)") }
  }

  private mutating func string() throws(Fault) -> String {
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw .malformed("its header lacks a quoted name at byte \(position)")
    }
    guard let end = bytes[(position + 1)...].firstIndex(of: quote) else {
      throw .malformed("a name in its header does not end")
    }
    defer { position = end + 1 }
    return String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
  }

  private mutating func boolean() throws(Fault) -> Bool {
    _ = peek()
    for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw .malformed("fortran_order is neither True nor False")
  }

  private mutating func tuple() throws(Fault) -> [Int] {
    try expect("(")
    var sizes: [Int] = []
    while !skip(")") {
      sizes.append(try number())
      guard sizes.count <= 64 else { throw .malformed("its shape has more than 64 axes") }
      guard skip(",") || peek() == UInt8(ascii: ")") else { throw .malformed("its shape is not a tuple") }
    }
    return sizes
  }

  private mutating func number() throws(Fault) -> Int {
    _ = peek()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty, let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw .malformed("its shape holds what is not a size")
    }
    position += digits.count
    // Python 2 wrote long integers with a letter behind.
    if position < bytes.count, bytes[position] == UInt8(ascii: "L") { position += 1 }
    return value
  }
}
