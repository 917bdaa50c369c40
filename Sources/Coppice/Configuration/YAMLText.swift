extension ConfigNode {
  /// The configuration as YAML that reads back as the same.
  public var yaml: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text
  }

  private func write(to text: inout String, indentation: Int) {
    let margin = String(repeating: "  ", count: indentation)
    switch content {
    case .scalar: text += margin + inline + "\n"
    case .sequence(let elements):
      for element in elements { element.write(after: margin + "-", to: &text, indentation: indentation) }
    case .mapping(let entries):
      for entry in entries {
        entry.value.write(after: margin + Self.quoted(entry.key) + ":", to: &text, indentation: indentation)
      }
    }
  }

  private func write(after head: String, to text: inout String, indentation: Int) {
    if isInline {
      text += head + " " + inline + "\n"
    } else {
      text += head + "\n"
      write(to: &text, indentation: indentation + 1)
    }
  }

  private var isInline: Bool {
    switch content {
    case .scalar: true
    case .sequence(let elements): elements.isEmpty
    case .mapping(let entries): entries.isEmpty
    }
  }

  private var inline: String {
    switch content {
    case .sequence: "[]"
    case .mapping: "{}"
    case .scalar(let string, let isQuoted):
      isQuoted
        ? JSONText.string(string).text()
        : string.isEmpty ? "null" : Self.isPlain(string) ? string : JSONText.string(string).text()
    }
  }

  private static func quoted(_ key: String) -> String {
    if isPlain(key), case .text = ScalarValue(plain: key) { return key }
    return JSONText.string(key).text()
  }

  /// Whether YAML takes the text as it is, wherever it stands.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.first, first.isLetter || first.isNumber || "/_.+-~".contains(first) else {
      return text == "~"
    }
    return text != "-" && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/_.+-%~,".contains($0)) }
      && !text.contains("---")
  }
}
