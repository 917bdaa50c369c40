import Dimensions

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

/// How channels are scored.
public struct Scoring: Sendable {
  private enum Choice {
    case named(String)
    case given(any Criterion)
  }

  private let choice: Choice

  /// A criterion of your own.
  public init(_ criterion: any Criterion) { choice = .given(criterion) }

  private init(name: String) { choice = .named(name) }

  /// The project's criterion of that name.
  public static func named(_ name: String) -> Scoring { Scoring(name: name) }

  /// - Throws: where there is no criterion of the name asked for.
  func criterion() throws(PassError) -> any Criterion {
    switch choice {
    case .given(let criterion): return criterion
    case .named(let name):
      if let criterion = Criteria.named(name) { return criterion }
      throw .usage("there is no criterion \(name)\(Suggestion.text(for: name, among: Criteria.all.map(\.name)))")
    }
  }

  /// Norms of weights.
  public enum Norm: Int, Sendable, ExpressibleByIntegerLiteral {
    case one = 1
    case two = 2

    /// 1 is the sum of absolute values; everything else the root of the sum of squares.
    public init(integerLiteral value: Int) { self = value == 1 ? .one : .two }
  }

  /// The norm of each channel's weights.
  public static func magnitude(p norm: Norm) -> Scoring {
    Scoring(name: norm == .one ? "l1" : "l2")
  }

  public static let random = Scoring(name: "random")
}

extension Plan {
  /// Scores the groups of a model and decides what stays.
  /// - Throws: ``PassError/nothingPruned(_:)`` where the options leave nothing to remove.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), options: SelectionOptions
  ) throws(PassError) {
    var context = ScoringContext(analysis: groups.analysis, seed: options.seed)
    let selection = Selection(
      analysis: groups.analysis, criterion: try scoring.criterion(), options: options, context: &context)
    guard !selection.decisions.isEmpty else { throw .nothingPruned("nothing to prune with these options") }
    self.init(selection: selection, analysis: groups.analysis, modelPath: "", modelDigest: "")
  }

  /// Removes a share of each group that is usually cut.
  public init(
    for model: Model, groups: PruningGroups, scoring: Scoring = .magnitude(p: 2), ratio: Double, roundTo: Int = 8
  ) throws(PassError) {
    guard ratio > 0, ratio < 1 else { throw .usage("the ratio must be between 0 and 1, not \(ratio)") }
    guard roundTo > 0 else { throw .usage("widths are rounded to multiples of at least 1, not \(roundTo)") }
    var options = SelectionOptions(ratio: ratio)
    options.roundTo = roundTo
    try self.init(for: model, groups: groups, scoring: scoring, options: options)
  }
}

extension Model {
  /// Carries out a plan made for this model.
  /// - Throws: where the plan is for another model; this one is unchanged then.
  public mutating func apply(_ plan: Plan) throws {
    let analysis = try ModelAnalysis(self)
    var keep = KeepSets()
    for entry in plan.groups {
      guard let group = analysis.groups.first(where: { $0.id == entry.id }) else {
        throw PlanError("the model has no group \(entry.id)")
      }
      guard group.size == entry.size else {
        throw PlanError("group \(entry.id) has \(group.size) channels, the plan says \(entry.size)")
      }
      keep[group.dimension] = entry.keep
    }
    self = try keeping(keep, analysis: analysis)
    recordProvenance(source: plan.modelDigest, removed: plan.groups.map { ($0.id, $0.size - $0.keep.count) })
  }
}
