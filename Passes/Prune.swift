import Analysis
import Calibration
import Dimensions
import Training

/// Removes channels, heads and hidden units: scores them, decides which stay, and rewrites the graph.
public struct PrunePass: Pass {
  public static let name = "prune"
  public static let abstract = "Removes channels, heads and hidden units and rewrites the graph without them."
  public static let options = PruneOptions.descriptions

  private let selection: SelectionOptions
  private let scoring: Scoring
  private let calibration: PruneCalibration
  private let seed: UInt64?
  /// How often channels are scored and a part of them removed.
  private let rounds: Int
  /// Where the rules were written down.
  private let rulesLocation: ConfigLocation?

  /// - Parameters:
  ///   - seed: of everything drawn at random, the samples too; `nil` takes the context's.
  ///   - rounds: how often channels are scored and a part of them removed; see ``PruningRounds``.
  public init(
    _ selection: SelectionOptions, scoring: Scoring = .magnitude(p: 2),
    calibration: PruneCalibration = PruneCalibration(), seed: UInt64? = nil, rounds: Int = 1
  ) {
    self.init(
      selection, scoring: scoring, calibration: calibration, seed: seed, rounds: rounds, rulesLocation: nil)
  }

  private init(
    _ selection: SelectionOptions, scoring: Scoring, calibration: PruneCalibration, seed: UInt64?,
    rounds: Int, rulesLocation: ConfigLocation?
  ) {
    self.rounds = rounds
    self.calibration = calibration
    self.rulesLocation = rulesLocation
    self.selection = selection
    self.scoring = scoring
    self.seed = seed
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    self.init(
      try PruneOptions.selection(options), scoring: try PruneOptions.scoring(options),
      calibration: try PruneOptions.calibration(options), seed: options.integer("seed").map { UInt64($0) },
      rounds: try PruneOptions.rounds(options),
      rulesLocation: options.elements("rules") == nil ? nil : options.location(of: "rules"))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let analysis = try context.analysis(of: model)
    let pruned = try prune(model, analysis, in: context)
    let plan = pruned.plan
    model = pruned.model
    var report = PassReport(
      isModified: true,
      statistics: [
        ("groups", .int(plan.groups.count)),
        ("removedChannels", .int(plan.groups.reduce(0) { $0 + $1.size - $1.keep.count })),
        ("parameters", .int(plan.after.parameters)), ("macs", .int(plan.after.macs)),
      ],
      plan: plan)
    let (layers, norms) = (pruned.repair.layers.count, pruned.repair.rescaledNorms)
    // A norm that is rescaled makes up for what was removed as a layer does.
    report.repairedLayers = layers + norms
    if layers > 0 { report.statistics.append(("repairedLayers", .int(layers))) }
    if norms > 0 { report.statistics.append(("rescaledNorms", .int(norms))) }
    return report
  }

  /// The decision, the smaller model, and what was repaired in it.
  public func prune(
    _ model: Model, _ analysis: ModelAnalysis, in context: Context
  ) throws -> (plan: Plan, model: Model, repair: Repair.Report) {
    let context = seeded(context)
    let calibration = calibration.seeded(context.seed)
    let data = try samples(for: model, context)
    let order = calibration.order(for: scoring.criterion, on: data?.origin ?? .natural)
    // Scores by weights would be worked out in vain; what else needs samples says so itself.
    if let order, data == nil, !scoring.criterion.measurements.contains(where: { $0.need > .nothing }) {
      throw PassError.repairNeedsSamples(order)
    }
    var outputs = calibration.recording(for: scoring.criterion, on: data)
    let (plan, keep) = try decide(model, analysis, on: data, recording: &outputs, in: context)
    try context.cancellation.check()
    let (pruned, report) = try calibration.remove(
      allBut: keep, plan.groups, of: model, analysis, order: order, on: data, outputs: outputs, in: context)
    return (plan, pruned, report)
  }

  /// Whether layers make up for what goes where there are samples, which a plan alone does not do.
  public var repairsLayers: Bool { calibration.order(for: scoring.criterion) != nil }

  private func seeded(_ context: Context) -> Context {
    var context = context
    context.seed = seed ?? context.seed
    return context
  }

  private func samples(for model: Model, _ context: Context) throws -> CalibrationData? {
    calibration.isNeeded(for: scoring.criterion) ? try calibration.samples(model, context) : nil
  }

  /// Scores and decides, and says what the user should know of it.
  /// - Throws: ``PassError/nothingPruned(_:)`` where a ratio leaves nothing to remove, ``PassError/impossible(_:)`` for
  ///   budgets out of reach.
  public func decide(
    _ model: Model, _ analysis: ModelAnalysis, in context: Context
  ) throws -> (plan: Plan, keep: KeepSets) {
    let context = seeded(context)
    var outputs: RecordedOutputs?
    return try decide(model, analysis, on: try samples(for: model, context), recording: &outputs, in: context)
  }

  /// - Parameter context: with the seed of this pass.
  private func decide(
    _ model: Model, _ analysis: ModelAnalysis, on data: CalibrationData?, recording outputs: inout RecordedOutputs?,
    in context: Context
  ) throws -> (plan: Plan, keep: KeepSets) {
    let path = context.source.path
    var scoring = scoring
    scoring.seed = context.seed
    let selection: Selection
    do {
      selection = try select(model, analysis, scoring, on: data, recording: &outputs, in: context)
    } catch let error as PlanError {
      throw PassError.other("\(path): rounds need weights that names tell apart: \(error); use one round")
    } catch let error as SelectionError {
      if case .matchesNothing = error, let rulesLocation { throw ConfigError(rulesLocation, "\(error)") }
      throw error.isUsageError ? PassError.usage("\(path): \(error)") : .impossible("\(path): \(error)")
    }
    report(selection, in: context)
    reportAssumptions(model, analysis, in: context)
    if selection.decisions.isEmpty, case .ratio = self.selection.target {
      throw PassError.nothingPruned(
        "\(path): nothing to prune with these options; see coppice groups \(path) --remarks")
    }
    return (
      Plan(selection: selection, analysis: analysis, modelPath: path), selection.keepSets(analysis)
    )
  }

  private func select(
    _ model: Model, _ analysis: ModelAnalysis, _ scoring: Scoring, on data: CalibrationData?,
    recording outputs: inout RecordedOutputs?, in context: Context
  ) throws -> Selection {
    let told = context.measuringProgress
    let calibration = calibration.seeded(context.seed)
    return try PruningRounds(rounds, of: model, analysis).select(
      scoring: scoring, options: try measured(model, analysis, context),
      measure: { round, zeroed, analysisOfZeroed in
        let progress: Measuring.Progress = { work, done, all in try told(round.describing(work), done, all) }
        if let evidence = try calibration.evidenceOfRepaired(
          model, analysis, for: scoring.criterion, on: data, in: round, outputs: outputs, progress: progress)
        {
          return evidence
        }
        return try calibration.evidence(
          for: scoring, zeroed, analysisOfZeroed, on: data, in: round, recording: &outputs, progress: progress)
      },
      scored: { round, groups, all in
        context.progress(round.describing("scoring"), groups, of: all)
        try context.cancellation.check()
      })
  }

  /// The options with what only whole files tell: the bytes they hold beside parameters.
  private func measured(
    _ model: Model, _ analysis: ModelAnalysis, _ context: Context
  ) throws -> SelectionOptions {
    guard case .budgets(let budgets) = selection.target, budgets.contains(where: { $0.quantity == .size }) else {
      return selection
    }
    var options = selection
    do {
      try options.measure(analysis) { keep in
        try ONNXWriter.byteCount(of: model.keeping(keep, analysis: analysis))
      }
    } catch let error as RewriteError {
      throw PassError.other("\(context.source.path): \(error)")
    }
    return options
  }

  /// A budget of MACs holds for the sizes that were counted with.
  private func reportAssumptions(_ model: Model, _ analysis: ModelAnalysis, in context: Context) {
    guard case .budgets(let budgets) = selection.target, budgets.contains(where: { $0.quantity == .macs }) else {
      return
    }
    let sizes = analysis.sizesThatSkewMACs(in: model)
    guard !sizes.isEmpty else { return }
    context.logger.warning(
      "\(context.source.path): MACs are counted with \(sizes.joined(separator: ", ")) as 1; give the shapes of the inputs for other sizes"
    )
  }

  private func report(_ selection: Selection, in context: Context) {
    for name in selection.nonFiniteTensors {
      context.logger.warning(
        "\(context.source.path): tensor \(name) holds NaN or infinity; its channels are ranked last")
    }
    for remark in selection.remarks { context.logger.notice("remark: \(remark)") }
    // Where several budgets have to hold, one of them decides and the others follow.
    let isTight = selection.record.budgets.contains(where: \.isTight)
    for outcome in selection.record.budgets {
      let nearest = ", as near as rounding to \(self.selection.roundTo) and the rules allow"
      context.logger.notice("\(outcome.text)\(isTight ? "" : nearest)")
    }
    let asked = selection.decisions.reduce(0) { $0 + $1.asked }
    let kept = selection.decisions.reduce(0) { $0 + $1.keep.count }
    if asked != kept {
      context.logger.notice(
        "kept \(kept) channels, heads and units where \(asked) were asked for: widths are rounded to multiples of \(self.selection.roundTo) where they are large enough"
      )
    }
  }
}
