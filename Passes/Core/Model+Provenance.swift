extension Model {
  /// Writes down what was removed and by whom, for those who find the model. What it was made from is said when it is
  /// written: see ``sourceEntries(model:plan:)``.
  public mutating func recordProvenance(of groups: [Plan.Group]) {
    let counts = JSONText.object(groups.map { ($0.id, .int($0.size - $0.keep.count)) }).text()
    metadata.removeAll { ["coppice.version", "coppice.removed", Self.sourceKey, Self.planKey].contains($0.key) }
    metadata.append(MetadataEntry(key: "coppice.version", value: Release.version))
    metadata.append(MetadataEntry(key: "coppice.removed", value: counts))
  }

  private static let sourceKey = "coppice.source.sha256"
  private static let planKey = "coppice.plan.sha256"

  /// The entries that name the model's file and the plan a model was made from, for
  /// ``ONNXWriter/Options/lastMetadata``: the digest of a large file is ready last.
  public static func sourceEntries(model: String, plan: String) -> [MetadataEntry] {
    [MetadataEntry(key: sourceKey, value: model), MetadataEntry(key: planKey, value: plan)]
  }
}
