/// A value of JSON, written with keys in the order given.
public indirect enum JSONText: Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONText])
  case object([(String, JSONText)])

  /// The text; arrays and objects down to `depth` levels take a line an element.
  public func text(linesTo depth: Int = 0) -> String {
    var text = ""
    write(to: &text, depth: depth, indentation: 0)
    return text
  }

  private func write(to text: inout String, depth: Int, indentation: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += "\(value)"
    case .double(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        Self.separate(index, depth, indentation + 1, &text)
        value.write(to: &text, depth: depth - 1, indentation: indentation + 1)
      }
      if !values.isEmpty { Self.close(depth, indentation, &text) }
      text += "]"
    case .object(let pairs):
      text += "{"
      for (index, pair) in pairs.enumerated() {
        Self.separate(index, depth, indentation + 1, &text)
        Self.write(pair.0, to: &text)
        text += ": "
        pair.1.write(to: &text, depth: depth - 1, indentation: indentation + 1)
      }
      if !pairs.isEmpty { Self.close(depth, indentation, &text) }
      text += "}"
    }
  }

  private static func separate(_ index: Int, _ depth: Int, _ indentation: Int, _ text: inout String) {
    if index > 0 { text += depth > 0 ? "," : ", " }
    if depth > 0 { text += "\n" + String(repeating: "  ", count: indentation) }
  }

  private static func close(_ depth: Int, _ indentation: Int, _ text: inout String) {
    if depth > 0 { text += "\n" + String(repeating: "  ", count: indentation) }
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
