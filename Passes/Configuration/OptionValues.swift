/// The value of one option, checked against its description.
public indirect enum OptionValue: Sendable, Equatable {
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([String])
  case elements([OptionValue])
  case group(OptionValues)
}

/// Options of a pass, or of a section of a pipeline file: complete, of the right types, and nothing unknown.
public struct OptionValues: Sendable, Equatable {
  public let location: ConfigLocation
  private let values: [String: OptionValue]
  private let locations: [String: ConfigLocation]

  public init(
    _ values: [String: OptionValue], at location: ConfigLocation, locations: [String: ConfigLocation] = [:]
  ) {
    self.values = values
    self.location = location
    self.locations = locations
  }

  /// Where an option was set.
  public func location(of name: String) -> ConfigLocation { locations[name] ?? location }

  /// Checks a mapping, or nothing at all, against descriptions.
  /// - Parameter owner: whose options these are, for messages, such as `pass prune`.
  public init(
    checking node: ConfigNode?, of owner: String, options: [PassOption], at location: ConfigLocation
  ) throws(ConfigError) {
    var values: [String: OptionValue] = [:]
    var locations: [String: ConfigLocation] = [:]
    if let node, node.scalar != .null {
      guard let entries = node.entries else {
        throw ConfigError(node.location, "\(owner) takes a mapping of options, not \(node.kindText)")
      }
      for entry in entries {
        guard let option = options.first(where: { $0.name == entry.key }) else {
          let hint = Suggestion.text(for: entry.key, among: options.map(\.name))
          let none = options.isEmpty ? "; it takes none" : ""
          throw ConfigError(entry.location, "\(owner) has no option \(entry.key)\(hint)\(none)")
        }
        values[option.name] = try option.kind.value(entry.value, called: "\(option.name) of \(owner)")
        locations[option.name] = entry.value.location
      }
    }
    for option in options where option.isRequired && values[option.name] == nil {
      throw ConfigError(node?.location ?? location, "\(owner) needs the option \(option.name): \(option.kind)")
    }
    self.init(values, at: node?.location ?? location, locations: locations)
  }

  public func flag(_ name: String) -> Bool? { if case .flag(let value) = values[name] { value } else { nil } }
  public func integer(_ name: String) -> Int? { if case .integer(let value) = values[name] { value } else { nil } }
  public func number(_ name: String) -> Double? { if case .number(let value) = values[name] { value } else { nil } }
  public func text(_ name: String) -> String? { if case .text(let value) = values[name] { value } else { nil } }
  public func list(_ name: String) -> [String]? { if case .list(let value) = values[name] { value } else { nil } }
  public func elements(_ name: String) -> [OptionValue]? {
    if case .elements(let value) = values[name] { value } else { nil }
  }
  /// The options of a section inside this one.
  public func group(_ name: String) -> OptionValues? {
    if case .group(let value) = values[name] { value } else { nil }
  }
}

extension PassOption.Kind {
  /// The value a node spells. `what` names the option in messages.
  func value(_ node: ConfigNode, called what: String) throws(ConfigError) -> OptionValue {
    let wrong = ConfigError(node.location, "\(what) must be \(self), not \(node.kindText)")
    switch (self, node.scalar) {
    case (.flag, .bool(let value)): return .flag(value)
    case (.integer(let minimum), .int(let value)) where value >= minimum: return .integer(value)
    case (.share, _):
      guard let value = node.share, value > 0, value < 1 else { throw wrong }
      return .number(value)
    case (.fraction, _):
      guard let value = node.share, (0...1).contains(value) else { throw wrong }
      return .number(value)
    case (.number(let range), _):
      guard let value = node.number, range.contains(value) else { throw wrong }
      return .number(value)
    case (.text, .text(let text)), (.path, .text(let text)):
      guard !text.isEmpty, !text.contains("\0") else { throw wrong }
      return .text(text)
    case (.text, .some), (.path, .some):
      // A file may well be called 2024.
      guard node.scalar != .null, let text = node.scalarText else { throw wrong }
      return .text(text)
    case (.choice(let names), .some):
      return .text(try Self.check(node, among: names, called: what))
    case (.choices(let names), _):
      return .list(try Self.list(node, among: names, called: what, wrong))
    case (.mapping(let options), _):
      return .group(try OptionValues(checking: node, of: what, options: options, at: node.location))
    case (.either(let plain, let mapping), _):
      return try (node.entries == nil ? plain : mapping).value(node, called: what)
    case (.list(let kind), _):
      guard let elements = node.elements else { throw wrong }
      var values: [OptionValue] = []
      for element in elements { values.append(try kind.value(element, called: "an element of \(what)")) }
      return .elements(values)
    case (.orMapping(let kind, let key), _):
      guard let entries = node.entries else { return try kind.value(node, called: what) }
      guard let first = entries.first else { throw wrong }
      for entry in entries where entry.key != key {
        let hint = Suggestion.text(for: entry.key, among: [key])
        throw ConfigError(entry.location, "\(what) has no option \(entry.key)\(hint)")
      }
      return try kind.value(first.value, called: "\(key) of \(what)")
    default: throw wrong
    }
  }

  private static func list(
    _ node: ConfigNode, among names: [String], called what: String, _ wrong: ConfigError
  ) throws(ConfigError) -> [String] {
    var list: [String] = []
    if let elements = node.elements {
      for element in elements { list.append(try check(element, among: names, called: what)) }
    } else if let text = node.scalarText {
      for name in text.split(separator: ",") {
        let part = ConfigNode(.scalar(trimmed(name), isQuoted: true), at: node.location)
        list.append(try check(part, among: names, called: what))
      }
    }
    guard !list.isEmpty else { throw wrong }
    return list
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  private static func check(
    _ node: ConfigNode, among names: [String], called what: String
  ) throws(ConfigError) -> String {
    guard let text = node.scalarText else {
      throw ConfigError(node.location, "\(what) must be one of \(names.joined(separator: ", ")), not \(node.kindText)")
    }
    guard names.contains(text) else {
      throw ConfigError(
        node.location, "\(what) cannot be \(node.kindText)\(Suggestion.text(for: text, among: names))")
    }
    return text
  }
}

extension ConfigNode {
  fileprivate var number: Double? {
    switch scalar {
    case .int(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// A number, or a percentage as the hundredth of one.
  fileprivate var share: Double? {
    if let number { return number }
    switch scalar {
    case .text(let text):
      guard text.hasSuffix("%") else { return nil }
      var digits = text.dropLast()
      while digits.last == " " { digits.removeLast() }
      switch ScalarValue(plain: String(digits)) {
      case .int(let value): return Double(value) / 100
      case .real(let value): return value / 100
      default: return nil
      }
    default: return nil
    }
  }
}
