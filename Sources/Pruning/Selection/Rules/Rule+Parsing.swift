import Analysis

extension Rule {
  /// What a rule looks like, for help and messages.
  public static let grammar = "[node=|tensor=|group=]GLOB, op=TYPE,… or kind=KIND,… then :keep or :SETTING=NUMBER,…"

  /// Reads a rule as written on a command line.
  ///
  ///     rule    = match {"&" match} ":" action
  ///     match   = GLOB | "node=" GLOB | "tensor=" GLOB | "group=" GLOB | "op=" TYPE {"," TYPE} | "kind=" KIND {"," KIND}
  ///     action  = "keep" | setting {"," setting}
  ///     setting = ("ratio" | "max-ratio" | "min-keep" | "min-keep-share" | "round-to") "=" NUMBER
  ///
  /// A GLOB alone matches names of nodes and of tensors; see ``Glob``. Names may hold colons: the last one counts. An
  /// ampersand that is part of a name has a backslash before it.
  public init(parsing text: String) throws(SelectionError) {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else {
      throw .unreadable(what: "rule", text: text, expected: Self.grammar)
    }
    var matches: [Match] = []
    for part in Self.conjuncts(of: text[..<colon]) { matches.append(try Match(parsing: part, in: text)) }
    self.init(matches, try Action(parsing: text[text.index(after: colon)...], in: text))
  }

  /// What stands between ampersands, but for those behind a backslash.
  private static func conjuncts(of text: Substring) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var isEscaped = false
    for index in text.indices {
      if text[index] == "&", !isEscaped {
        parts.append(text[start..<index])
        start = text.index(after: index)
      }
      isEscaped = text[index] == "\\" && !isEscaped
    }
    return parts + [text[start...]]
  }
}

extension Rule.Match {
  /// The match a field and its value stand for, such as `op` and `Gemm`.
  public init(field: String, value: String) throws(SelectionError) {
    guard !value.isEmpty else { throw .unreadable(what: "rule", text: "\(field)=", expected: Rule.grammar) }
    switch field {
    case "node": self = .node(Glob(value))
    case "tensor": self = .tensor(Glob(value))
    case "group": self = .group(Glob(value))
    case "op": self = .operators(value.split(separator: ",").map(String.init))
    case "kind":
      var kinds: [DimensionKind] = []
      for name in value.split(separator: ",") { kinds.append(try DimensionKind(parsing: String(name))) }
      self = .kinds(kinds)
    default: throw .unknownName("field of rules", field, known: ["node", "tensor", "group", "op", "kind"])
    }
  }

  fileprivate init(parsing text: Substring, in rule: String) throws(SelectionError) {
    guard !text.isEmpty else { throw .unreadable(what: "rule", text: rule, expected: Rule.grammar) }
    // Names may hold an equals sign, but none of them begins with a bare word and one.
    if let equals = text.firstIndex(of: "="), text[..<equals].allSatisfy({ $0.isLowercase && $0.isASCII }) {
      try self.init(field: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
    } else {
      self = .name(Glob(String(text)))
    }
  }
}

extension Rule.Action {
  fileprivate init(parsing text: Substring, in rule: String) throws(SelectionError) {
    if text == "keep" {
      self = .keep
      return
    }
    var limits = Rule.Limits()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2 else { throw .unreadable(what: "rule", text: rule, expected: Rule.grammar) }
      try limits.set(String(sides[0]), to: String(sides[1]))
    }
    self = .cut(limits)
  }
}

extension Rule.Limits {
  /// Sets a bound by the name users know it by.
  public mutating func set(_ name: String, to value: String) throws(SelectionError) {
    switch name {
    case "ratio": ratio = try Self.share(value, name, excludingOne: true)
    case "max-ratio": maximumRatio = try Self.share(value, name)
    case "min-keep-share": minimumKeepShare = try Self.share(value, name)
    case "min-keep": minimumKeep = try Self.count(value, name)
    case "round-to": roundTo = try Self.count(value, name)
    default:
      throw .unknownName(
        "setting of rules", name, known: ["keep", "ratio", "max-ratio", "min-keep", "min-keep-share", "round-to"])
    }
  }

  private static func share(_ text: String, _ name: String, excludingOne: Bool = false) throws(SelectionError) -> Double
  {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text) else {
      throw .unreadable(what: name, text: text, expected: "a share such as 0.3 or 30%")
    }
    let share = isPercent ? number / 100 : number
    guard share >= 0, share < 1 || (share == 1 && !excludingOne) else {
      throw .outOfRange(what: name, value: text, allowed: excludingOne ? "from 0 to less than 1" : "from 0 to 1")
    }
    return share
  }

  private static func count(_ text: String, _ name: String) throws(SelectionError) -> Int {
    guard let number = Int(text), number >= 1 else {
      throw .outOfRange(what: name, value: text, allowed: "a whole number of at least 1")
    }
    return number
  }
}
