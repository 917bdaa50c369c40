/// A configuration as it was written, every part with its place.
public struct ConfigNode: Sendable {
  public struct Entry: Sendable {
    public let key: String
    public let location: ConfigLocation
    public var value: ConfigNode

    public init(key: String, location: ConfigLocation, value: ConfigNode) {
      self.key = key
      self.location = location
      self.value = value
    }
  }

  public indirect enum Content: Sendable {
    /// `isQuoted`: it is text whatever it looks like.
    case scalar(String, isQuoted: Bool)
    case sequence([ConfigNode])
    case mapping([Entry])
  }

  public var content: Content
  public let location: ConfigLocation

  public init(_ content: Content, at location: ConfigLocation) {
    self.content = content
    self.location = location
  }

  public static func mapping(_ entries: [Entry], at location: ConfigLocation) -> ConfigNode {
    ConfigNode(.mapping(entries), at: location)
  }

  public subscript(key: String) -> ConfigNode? { entries?.first { $0.key == key }?.value }

  public var entries: [Entry]? { if case .mapping(let entries) = content { entries } else { nil } }

  public var elements: [ConfigNode]? { if case .sequence(let elements) = content { elements } else { nil } }

  /// The scalar as YAML 1.2 means it; `nil` for sequences and mappings.
  public var scalar: ScalarValue? {
    guard case .scalar(let text, let isQuoted) = content else { return nil }
    return isQuoted ? .text(text) : ScalarValue(plain: text)
  }

  /// The scalar as it is written.
  public var scalarText: String? { if case .scalar(let text, _) = content { text } else { nil } }

  /// What it is, for error messages.
  public var kindText: String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let text, let isQuoted):
      switch scalar {
      case .null: "nothing"
      case .text where isQuoted: "the text \"\(text)\""
      default: text
      }
    }
  }

  /// Lays another configuration over this one: mappings are merged key by key, everything else is replaced.
  public func merging(_ other: ConfigNode) -> ConfigNode {
    guard case .mapping(var merged) = content, let others = other.entries else { return other }
    for entry in others {
      if let index = merged.firstIndex(where: { $0.key == entry.key }) {
        merged[index] = Entry(
          key: entry.key, location: entry.location, value: merged[index].value.merging(entry.value))
      } else {
        merged.append(entry)
      }
    }
    return .mapping(merged, at: other.location)
  }
}
