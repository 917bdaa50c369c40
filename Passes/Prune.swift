import Dimensions

/// Removes channels, heads and hidden units: scores them, decides which stay, and rewrites the graph.
public struct PrunePass: Pass {
  public static let name = "prune"
  public static let abstract = "Removes channels, heads and hidden units and rewrites the graph without them."
  public static let options: [PassOption] = [
    PassOption("ratio", .share, isRequired: true, help: "Share of each chosen dimension to remove."),
    PassOption(
      "kinds", .choices(["all"] + DimensionKind.allCases.map(\.rawValue)),
      default: "what is usual, and one factor of each product", help: "Kinds of dimensions to cut."),
    PassOption("round_to", .integer(atLeast: 1), default: "8", help: "Kept widths are rounded to multiples of this."),
    PassOption("criterion", .choice(Criteria.all.map(\.name)), default: "l2", help: "How channels are scored."),
    PassOption(
      "exact_only", .flag, default: "false",
      help: "Leaves dimensions alone whose removal is not the same as zeroing them."),
    PassOption("seed", .integer(atLeast: 0), default: "the pipeline's", help: "Seed of what is drawn at random."),
  ]

  private let selection: SelectionOptions
  private let criterion: any Criterion
  private let seed: UInt64?

  /// - Parameter seed: `nil` takes the context's.
  public init(_ selection: SelectionOptions, criterion: any Criterion, seed: UInt64? = nil) {
    self.selection = selection
    self.criterion = criterion
    self.seed = seed
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    var selection = SelectionOptions(ratio: options.number("ratio") ?? 0)
    selection.kinds = Self.kinds(options.list("kinds"))
    selection.roundTo = options.integer("round_to") ?? selection.roundTo
    selection.exactOnly = options.flag("exact_only") ?? selection.exactOnly
    let name = options.text("criterion") ?? "l2"
    guard let criterion = Criteria.named(name) else {
      throw ConfigError(options.location, "there is no criterion \(name)")
    }
    self.init(selection, criterion: criterion, seed: options.integer("seed").map { UInt64($0) })
  }

  private static func kinds(_ names: [String]?) -> SelectionOptions.Kinds {
    guard let names else { return .usual }
    return names.contains("all") ? .all : .only(Set(names.compactMap(DimensionKind.init(rawValue:))))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let analysis = try context.analysis(of: model)
    var options = selection
    options.seed = seed ?? context.seed
    var scoring = ScoringContext(analysis: analysis, seed: options.seed)
    let observed = ObservedCriterion(criterion, groups: analysis.groups, progress: context.progress)
    let selection = Selection(analysis: analysis, criterion: observed, options: options, context: &scoring)
    for name in scoring.nonFiniteTensors {
      context.logger.warning(
        "\(context.source.path): tensor \(name) holds NaN or infinity; its channels are ranked last")
    }
    guard !selection.decisions.isEmpty else {
      throw PassError.nothingPruned(
        "\(context.source.path): nothing to prune with these options; see coppice groups \(context.source.path) --remarks"
      )
    }
    try context.cancellation.check()
    let plan = Plan(
      selection: selection, analysis: analysis, modelPath: context.source.path, modelDigest: context.source.digest())
    do { model = try model.keeping(selection.keepSets(analysis), analysis: analysis) } catch {
      throw PassError.other("\(context.source.path): \(error)")
    }
    model.recordProvenance(source: plan.modelDigest, removed: plan.groups.map { ($0.id, $0.size - $0.keep.count) })
    return PassReport(
      isModified: true,
      statistics: [
        ("groups", .int(plan.groups.count)),
        ("removedChannels", .int(plan.groups.reduce(0) { $0 + $1.size - $1.keep.count })),
        ("parameters", .int(plan.after.parameters)), ("macs", .int(plan.after.macs)),
      ],
      plan: plan)
  }
}

/// Another criterion, with a word to the progress for each group it scores.
struct ObservedCriterion: Criterion {
  private let base: any Criterion
  private let positions: [DimensionID: Int]
  private let progress: ProgressHandler

  init(_ base: any Criterion, groups: [PruningGroup], progress: ProgressHandler) {
    self.base = base
    self.progress = progress
    positions = Dictionary(groups.enumerated().map { ($1.dimension, $0) }) { first, _ in first }
  }

  var name: String { base.name }

  func scores(for group: PruningGroup, in context: inout ScoringContext) -> [Float] {
    defer { progress("scoring", (positions[group.dimension] ?? 0) + 1, of: positions.count) }
    return base.scores(for: group, in: &context)
  }
}
