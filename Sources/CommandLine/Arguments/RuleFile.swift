import ArgumentParser
import Coppice

/// Rules in a file, one a line. Empty lines and those that begin with # say nothing.
struct RuleFile: Sendable {
  let rules: [Rule]

  init(path: String) throws {
    let region = try ONNXReader.bytes(ofFile: path)
    guard let text = region.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw ValidationError("\(path): not UTF-8 text")
    }
    try self.init(parsing: text, path: path)
  }

  /// - Parameter path: for messages.
  init(parsing text: String, path: String) throws {
    var rules: [Rule] = []
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let rule = Self.trimmed(line)
      guard let first = rule.first, first != "#" else { continue }
      do { rules.append(try Rule(parsing: String(rule))) } catch {
        throw ValidationError("\(path):\(number + 1): \(error)")
      }
    }
    self.rules = rules
  }

  private static func trimmed(_ line: Substring) -> Substring {
    var line = line.drop(while: \.isWhitespace)
    while line.last?.isWhitespace == true { line.removeLast() }
    return line
  }
}
