/// A value given on the command line over a file's: `prune.ratio=0.3`, `pipeline.write.path=x.onnx`.
///
/// Elements of lists are named by position from 0, or, in `pipeline`, by the name of the pass.
public struct ConfigOverride: Sendable {
  private let path: [String]
  private let value: ConfigNode
  private let location: ConfigLocation

  public init(parsing text: String) throws(ConfigError) {
    location = ConfigLocation(file: "--set \(text)")
    guard let equals = text.firstIndex(of: "=") else {
      throw ConfigError(location, "expected key=value, such as prune.ratio=0.3")
    }
    path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !path.isEmpty, !path.contains("") else {
      throw ConfigError(location, "expected key=value, such as prune.ratio=0.3")
    }
    let source = String(text[text.index(after: equals)...])
    do { value = try YAMLReader.read(source.isEmpty ? "''" : source, file: "").relocated(to: location) } catch {
      throw ConfigError(location, "the value is \(error.message)")
    }
  }

  /// The configuration with the value in its place; mappings on the way are made where they are missing.
  public func apply(to node: ConfigNode) throws(ConfigError) -> ConfigNode { try set(path[...], in: node) }

  private func set(_ path: ArraySlice<String>, in node: ConfigNode?) throws(ConfigError) -> ConfigNode {
    guard let key = path.first else { return value }
    let rest = path.dropFirst()
    guard let node, node.scalar != .null else {
      let inner = try set(rest, in: nil)
      return .mapping([ConfigNode.Entry(key: key, location: location, value: inner)], at: location)
    }
    switch node.content {
    case .mapping(var entries):
      if let index = entries.firstIndex(where: { $0.key == key }) {
        entries[index].value = try set(rest, in: entries[index].value)
      } else {
        entries.append(ConfigNode.Entry(key: key, location: location, value: try set(rest, in: nil)))
      }
      return .mapping(entries, at: node.location)
    case .sequence(var elements):
      if let index = Int(key), elements.indices.contains(index) {
        elements[index] = try set(rest, in: elements[index])
      } else if let index = elements.firstIndex(where: { $0.passName == key }) {
        // A pass without options becomes one with options.
        let whole = elements[index].scalar == nil ? elements[index] : nil
        elements[index] = try set(path, in: whole)
      } else {
        let names = elements.compactMap(\.passName)
        throw ConfigError(location, "there is no \(key) in the list\(Suggestion.text(for: key, among: names))")
      }
      return ConfigNode(.sequence(elements), at: node.location)
    case .scalar(let text, _):
      throw ConfigError(location, "\(key) would be inside the value \(text)")
    }
  }
}

extension ConfigNode {
  /// The name of the pass this element of a pipeline stands for.
  var passName: String? { scalarText ?? entries?.first?.key }

  fileprivate func relocated(to location: ConfigLocation) -> ConfigNode {
    switch content {
    case .scalar: ConfigNode(content, at: location)
    case .sequence(let elements): ConfigNode(.sequence(elements.map { $0.relocated(to: location) }), at: location)
    case .mapping(let entries):
      .mapping(
        entries.map { Entry(key: $0.key, location: location, value: $0.value.relocated(to: location)) }, at: location)
    }
  }
}
