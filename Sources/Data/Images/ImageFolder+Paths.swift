import Files
import IR

extension ImageFolder {
  /// Whether `path` leads to one of the pictures in the classes of `folder`, by whatever links.
  package static func isPicture(_ path: String, in folder: String) -> Bool {
    guard let resolved = resolvedPath(path), let names = try? InputFile.names(in: folder) else { return false }
    let classes = Set(names.compactMap { FileIdentity(path: "\(folder)/\($0)") })
    return [path, resolved].contains { path in
      let place = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
      guard let holder = FileIdentity(path: place) else { return false }
      return isPicture(InputFile.name(of: path)) && classes.contains(holder)
    }
  }
}
