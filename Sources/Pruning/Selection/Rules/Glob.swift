/// A pattern for names that are paths, such as `/layer1/layer1.0/conv1/Conv`.
///
/// `*` stands for any run of characters without `/`, `**` for any run at all, `?` for one character but `/`; a character
/// after a backslash stands for itself. A pattern that matches a path matches everything below it too: `/layer1` and
/// `/layer1/*` both match the name above. The slash at the beginning of a name may be left out of the pattern.
public struct Glob: Sendable, Hashable {
  private enum Token: Sendable, Hashable {
    case scalar(Unicode.Scalar)
    case one
    case run
    case anything
  }

  public let pattern: String
  private let tokens: [Token]

  public init(_ pattern: String) {
    self.pattern = pattern
    var tokens: [Token] = []
    var isEscaped = false
    for scalar in pattern.unicodeScalars {
      if isEscaped {
        tokens.append(.scalar(scalar))
        isEscaped = false
        continue
      }
      switch scalar {
      case "\\": isEscaped = true
      case "*":
        if tokens.last == .run || tokens.last == .anything {
          tokens[tokens.count - 1] = .anything
        } else {
          tokens.append(.run)
        }
      case "?": tokens.append(.one)
      default: tokens.append(.scalar(scalar))
      }
    }
    // Nothing is left that the last backslash could stand before.
    if isEscaped { tokens.append(.scalar("\\")) }
    self.tokens = tokens
  }

  /// The pattern that matches this name, and what is below it, whatever characters it holds; it can stand in a rule.
  public init(literally name: String) {
    var pattern = ""
    for scalar in name.unicodeScalars {
      if "*?&\\".unicodeScalars.contains(scalar) { pattern.unicodeScalars.append("\\") }
      // A rule is one line of a file.
      pattern.unicodeScalars.append(Character(scalar).isNewline ? "?" : scalar)
    }
    self.init(pattern)
  }

  /// O(length of the pattern · length of the name).
  public func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    if match(scalars[...]) { return true }
    return scalars.first == "/" && tokens.first != .scalar("/") && match(scalars.dropFirst())
  }

  /// Runs the pattern as an automaton: `reached[i]` tells whether the first `i` tokens match what was read.
  private func match(_ name: ArraySlice<Unicode.Scalar>) -> Bool {
    var reached = [Bool](repeating: false, count: tokens.count + 1)
    reached[0] = true
    skipRuns(&reached)
    for scalar in name {
      if scalar == "/", reached[tokens.count] { return true }
      var next = [Bool](repeating: false, count: tokens.count + 1)
      for (index, token) in tokens.enumerated() where reached[index] {
        switch token {
        case .scalar(let expected): if scalar == expected { next[index + 1] = true }
        case .one: if scalar != "/" { next[index + 1] = true }
        case .run: if scalar != "/" { next[index] = true }
        case .anything: next[index] = true
        }
      }
      reached = next
      skipRuns(&reached)
    }
    return reached[tokens.count]
  }

  /// Runs may be empty.
  private func skipRuns(_ reached: inout [Bool]) {
    for (index, token) in tokens.enumerated() where reached[index] && (token == .run || token == .anything) {
      reached[index + 1] = true
    }
  }
}
