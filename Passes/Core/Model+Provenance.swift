extension Model {
  /// Writes down where a pruned model comes from, for those who find it.
  public mutating func recordProvenance(source digest: String, removed: [(group: String, count: Int)]) {
    let counts = JSONText.object(removed.map { ($0.group, .int($0.count)) }).text()
    for (key, value) in [
      ("coppice.version", Release.version), ("coppice.source.sha256", digest), ("coppice.removed", counts),
    ] {
      metadata.removeAll { $0.key == key }
      metadata.append(MetadataEntry(key: key, value: value))
    }
  }
}
