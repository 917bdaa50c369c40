import DataSources

extension DataArguments {
  /// The files that are read for data: the one given, and those that a file of settings names.
  func paths(of path: String, labels: String?) throws -> [String] {
    let specification = try specification(path, labels: labels)
    let labelFile = specification.labels ?? IDXFile.labels(forImages: specification.path)
    return [path, specification.path] + (labelFile.map { [$0] } ?? [])
  }
}
