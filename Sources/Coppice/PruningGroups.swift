/// The groups of a model: which channels belong together, of what kind they are, and whether removal is exact.
public struct PruningGroups: Sendable, RandomAccessCollection {
  public let analysis: ModelAnalysis

  /// Infers shapes, unifies dimensions and collects the groups.
  public init(of model: Model) throws(AnalysisError) { analysis = try ModelAnalysis(model) }

  public var startIndex: Int { analysis.groups.startIndex }
  public var endIndex: Int { analysis.groups.endIndex }
  public subscript(position: Int) -> PruningGroup { analysis.groups[position] }

  /// The group of that identifier, as in plans and `coppice groups`.
  public subscript(id id: String) -> PruningGroup? { analysis.groups.first { $0.id == id } }
}
