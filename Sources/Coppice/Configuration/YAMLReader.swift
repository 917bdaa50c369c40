import Yams

/// Reads YAML into a ``ConfigNode``, strictly: no duplicate keys, no tags, text keys only, one document.
enum YAMLReader {
  /// Configurations are small; what is larger is another file taken for one.
  static let maximumBytes = 1 << 20
  private static let maximumDepth = 64
  private static let maximumNodes = 100_000

  static func read(_ text: String, file: String) throws(ConfigError) -> ConfigNode {
    let whole = ConfigLocation(file: file)
    guard text.utf8.count <= maximumBytes else { throw ConfigError(whole, "larger than 1 MiB: not a pipeline file") }
    guard !nestsTooDeep(text) else { throw ConfigError(whole, "nested too deep") }
    let root: Yams.Node?
    do { root = try Yams.Parser(yaml: text).singleRoot() } catch {
      throw describe(error, text: text, file: file)
    }
    guard let root else { throw ConfigError(whole, "empty; a pipeline file starts with coppice: 1") }
    var budget = maximumNodes
    return try convert(root, file: file, depth: 0, &budget)
  }

  /// Whether one line opens so many levels that the parser, which recurses, might run out of stack.
  private static func nestsTooDeep(_ text: String) -> Bool {
    var (open, deepest) = (0, 0)
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
      var markers = 0
      for byte in line {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
        case UInt8(ascii: "-"), UInt8(ascii: "?"): markers += 1
        case UInt8(ascii: " "): break
        default: if markers < 256 { markers = 0 }
        }
        deepest = max(deepest, open)
      }
      if markers >= 256 { return true }
    }
    return deepest >= 256
  }

  private static func convert(
    _ node: Yams.Node, file: String, depth: Int, _ budget: inout Int
  ) throws(ConfigError) -> ConfigNode {
    let location = place(node.mark, file)
    budget -= 1
    guard depth < maximumDepth else { throw ConfigError(location, "nested too deep") }
    guard budget > 0 else { throw ConfigError(location, "too many values") }
    switch node {
    case .scalar(let scalar):
      return ConfigNode(.scalar(scalar.string, isQuoted: scalar.style != .plain && scalar.style != .any), at: location)
    case .sequence(let sequence):
      var elements: [ConfigNode] = []
      for element in sequence { elements.append(try convert(element, file: file, depth: depth + 1, &budget)) }
      return ConfigNode(.sequence(elements), at: location)
    case .mapping(let mapping):
      var entries: [ConfigNode.Entry] = []
      for (key, value) in mapping {
        guard case .scalar(let scalar) = key else {
          throw ConfigError(place(key.mark, file), "keys must be names")
        }
        entries.append(
          ConfigNode.Entry(
            key: scalar.string, location: place(scalar.mark, file),
            value: try convert(value, file: file, depth: depth + 1, &budget)))
      }
      return .mapping(entries, at: location)
    case .alias:
      throw ConfigError(location, "an alias to nothing")
    }
  }

  private static func place(_ mark: Mark?, _ file: String) -> ConfigLocation {
    ConfigLocation(file: file, line: mark?.line ?? 0, column: mark?.column ?? 0)
  }

  // MARK: Errors

  private static func describe(_ error: any Error, text: String, file: String) -> ConfigError {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      return ConfigError(place(mark, file), "not YAML: \(problem)")
    case .composer(_, let problem, let mark, _):
      return ConfigError(place(mark, file), problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let key = duplicates.sorted().first ?? ""
      return ConfigError(
        second(key, after: context.mark, in: text, file: file), "the key \(key) is there twice; remove one")
    case .reader(let problem, _, _, _): return ConfigError(ConfigLocation(file: file), "not YAML: \(problem)")
    default: return ConfigError(ConfigLocation(file: file), "not YAML")
    }
  }

  /// Where a key comes the second time. The parser names only the mapping's start.
  private static func second(_ key: String, after mark: Mark, in text: String, file: String) -> ConfigLocation {
    var isFirst = true
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where index + 1 >= mark.line {
      let indentation = line.prefix { $0 == " " || $0 == "-" }.count
      guard line.dropFirst(indentation).hasPrefix(key + ":") else { continue }
      if !isFirst { return ConfigLocation(file: file, line: index + 1, column: indentation + 1) }
      isFirst = false
    }
    return place(mark, file)
  }
}
