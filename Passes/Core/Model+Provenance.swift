extension Model {
  /// Writes down what was removed and by whom, for those who find the model. Where it came from is said when it is
  /// written: see ``sourceEntry(_:)``.
  public mutating func recordProvenance(of groups: [Plan.Group]) {
    let counts = JSONText.object(groups.map { ($0.id, .int($0.size - $0.keep.count)) }).text()
    metadata.removeAll { ["coppice.version", "coppice.removed", Self.sourceKey].contains($0.key) }
    metadata.append(MetadataEntry(key: "coppice.version", value: Release.version))
    metadata.append(MetadataEntry(key: "coppice.removed", value: counts))
  }

  static let sourceKey = "coppice.source.sha256"

  /// The entry that names the file a model was made from, for ``ONNXWriter/Options/lastMetadata``: its digest takes as
  /// long as all the rest and is ready last.
  public static func sourceEntry(_ digest: String) -> MetadataEntry { MetadataEntry(key: sourceKey, value: digest) }
}
