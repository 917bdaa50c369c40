import ArgumentParser
import Coppice

/// Names divided by commas, such as `none,seq`.
enum NameList {
  /// What the names stand for, each once and in the order given.
  /// - Parameters:
  ///   - what: what they are names of, for messages.
  ///   - names: those there are.
  ///   - known: what a name stands for; `nil` where it is none.
  static func parse<Value>(
    _ text: String, of what: String, names: [String], _ known: (String) -> Value?
  ) throws -> [Value] {
    var seen: Set<String> = []
    var values: [Value] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let name = String(part)
      guard let value = known(name) else {
        throw ValidationError("there is no \(what) \(name)\(Suggestion.text(for: name, among: names))")
      }
      if seen.insert(name).inserted { values.append(value) }
    }
    return values
  }
}
