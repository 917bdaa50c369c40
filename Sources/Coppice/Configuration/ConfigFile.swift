/// Reads configurations from files, each laid over those it extends.
public enum ConfigFile {
  /// - Throws: where the file cannot be read, or is not YAML as configurations have it.
  public static func read(_ path: String) throws(ConfigError) -> ConfigNode { try load(path, chain: []) }

  private static func load(_ path: String, chain: [String]) throws(ConfigError) -> ConfigNode {
    let node = try YAMLReader.read(try text(of: path), file: path)
    guard let entries = node.entries, let bases = node["extends"] else { return node }
    let own = ConfigNode.mapping(entries.filter { $0.key != "extends" }, at: node.location)
    var merged: ConfigNode?
    for base in bases.elements ?? [bases] {
      guard case .text(let name)? = base.scalar else {
        throw ConfigError(base.location, "extends must be a file or a list of files, not \(base.kindText)")
      }
      let file = Context.resolve(name, in: folder(of: path))
      guard !(chain + [path]).contains(file), chain.count < 16 else {
        throw ConfigError(base.location, "\(file) extends itself")
      }
      let layer: ConfigNode
      do { layer = try load(file, chain: chain + [path]) } catch {
        // A file that is not there is the mistake of the one that names it.
        throw error.location.line == 0 && error.location.file == file
          ? ConfigError(base.location, "\(error.location): \(error.message)") : error
      }
      merged = merged?.merging(layer) ?? layer
    }
    return merged?.merging(own) ?? own
  }

  private static func text(of path: String) throws(ConfigError) -> String {
    let location = ConfigLocation(file: path)
    do {
      let region = try ONNXReader.bytes(ofFile: path)
      guard region.count <= YAMLReader.maximumBytes else {
        throw ConfigError(location, "larger than 1 MiB: not a pipeline file")
      }
      guard let valid = region.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
        throw ConfigError(location, "not UTF-8 text")
      }
      return valid
    } catch let error as ConfigError { throw error } catch ONNXFileError.cannotOpen(_, let reason) {
      throw ConfigError(location, "cannot be opened: \(reason)")
    } catch { throw ConfigError(location, "\(error)") }
  }

  /// The folder relative paths of a file start at.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
