import Dimensions

extension Model {
  /// Loads an ONNX model; its tensors stay in the file until they are read.
  public init(contentsOf path: String) throws(ONNXFileError) {
    self = try ONNXReader.read(contentsOf: path)
  }

  /// Writes the model; it appears at `path` whole or not at all.
  public func write(to path: String, options: ONNXWriter.Options = .init()) throws(ONNXFileError) {
    try ONNXWriter.write(self, to: path, options: options)
  }

  /// Writes down where a pruned model comes from, for those who find it.
  public mutating func recordProvenance(source digest: String, removed: [(group: String, count: Int)]) {
    let counts = JSONText.object(removed.map { ($0.group, .int($0.count)) }).text()
    for (key, value) in [
      ("coppice.version", Coppice.version), ("coppice.source.sha256", digest), ("coppice.removed", counts),
    ] {
      metadata.removeAll { $0.key == key }
      metadata.append(MetadataEntry(key: key, value: value))
    }
  }
}

/// Facts about this release.
public enum Coppice {
  public static let version = "0.1.0"
}
