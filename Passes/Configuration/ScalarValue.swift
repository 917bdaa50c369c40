/// A plain scalar by the core schema of YAML 1.2: `yes`, `no`, `on` and `off` are text, `010` is ten, `1e-3` a number.
public enum ScalarValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case real(Double)
  case text(String)

  public init(plain text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .bool(true)
    case "false", "False", "FALSE": self = .bool(false)
    default: self = Self.number(text) ?? .text(text)
    }
  }

  private static func number(_ text: String) -> ScalarValue? {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
      let digits = text.dropFirst(2)
      guard digits.first?.isHexDigit == true else { return nil }
      return Int(digits, radix: radix).map { .int($0) }
    }
    let unsigned = text.drop { $0 == "+" || $0 == "-" }
    guard text.count - unsigned.count <= 1, let first = unsigned.first else { return nil }
    guard first == "." || first.isASCII && first.isNumber else { return nil }
    guard unsigned.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }) else { return nil }
    if let integer = Int(text) { return .int(integer) }
    guard unsigned.contains(where: { $0.isNumber }) else { return nil }
    guard let value = Double(unsigned) else { return nil }
    return .real(text.hasPrefix("-") ? -value : value)
  }
}
