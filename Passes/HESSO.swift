import Analysis
import DataSources
import Pruning
import Runtime
import SparseTraining
import Training

/// Trains a model while channels are driven to zero, and takes them away; see `HESSOSteps`.
public struct HESSOPass: Pass {
  public static let name = "hesso"
  public static let abstract = "Trains the model while its least salient channels go to zero, and takes these away."
  public static let options: [PassOption] =
    [
      PassOption("sparsity", .share, help: "Share of all channels that is to go; this, macs or params is needed."),
      PassOption(
        "macs", .orMapping(.text, key: "max"), help: "Multiply-accumulates of the result at most, such as 50%."),
      PassOption("params", .orMapping(.text, key: "max"), help: "Parameters of the result at most, such as 50%."),
      PassOption(
        "kinds", .choices(["all"] + DimensionKind.allCases.map(\.rawValue)), default: "what is usual",
        help: "Kinds of dimensions to train away."),
      PassOption("round_to", .integer(atLeast: 1), default: "1", help: "Kept widths are multiples of this."),
      PassOption(
        "min_keep_share", .fraction, default: "3/4 of an even cut's, or 0.1 with macs and params",
        help: "Least share of each group that stays."),
      PassOption(
        "from_scratch", .flag, default: "false",
        help: "The model has not been trained before: channels go later and more slowly."),
      PassOption(
        "pruning_start", .integer(atLeast: 0), default: "a twentieth of all steps, a tenth from scratch",
        help: "The step from which on channels go."),
      PassOption(
        "pruning_steps", .integer(atLeast: 1), default: "a tenth of all steps, four tenths from scratch",
        help: "Steps in which channels go."),
      PassOption(
        "periods", .integer(atLeast: 1), default: "10, of 5 steps at least",
        help: "Periods these steps are divided into."),
      PassOption(
        "cric", .flag, default: "false", help: "Tries channels first, so that none goes that cannot be done without."),
      PassOption("cric_steps", .integer(atLeast: 1), default: "10", help: "Steps of a cycle of trying."),
      PassOption("cric_cycles", .integer(atLeast: 1), default: "10", help: "Cycles of trying at most."),
    ] + TrainingOptions.descriptions

  private let target: SparsityTarget
  private let sparse: HESSOSettings
  private let candidates: SelectionOptions
  private let training: TrainingSettings
  private let data: @Sendable (Context) throws -> any Dataset

  /// - Parameters:
  ///   - training: its seed is not looked at: it is the context's.
  ///   - candidates: which groups may lose channels.
  public init(
    _ target: SparsityTarget, training: TrainingSettings, settings: HESSOSettings = HESSOSettings(),
    candidates: SelectionOptions = SelectionOptions(ratio: 0.5),
    data: @escaping @Sendable (Context) throws -> any Dataset
  ) {
    self.target = target
    self.training = training
    self.candidates = candidates
    self.data = data
    sparse = settings
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    let path = options.text("data") ?? ""
    var candidates = SelectionOptions(ratio: 0.5)
    if let kinds = options.list("kinds") {
      do { candidates.kinds = try SelectionOptions.Kinds(parsing: kinds.joined(separator: ",")) } catch {
        throw ConfigError(options.location(of: "kinds"), "\(error)")
      }
    }
    self.init(
      try Self.target(options), training: try TrainingOptions.settings(options), settings: try Self.settings(options),
      candidates: candidates
    ) { context in
      try DataSpecification(path: context.resolve(path)).open()
    }
  }

  private static func target(_ options: OptionValues) throws(ConfigError) -> SparsityTarget {
    var targets: [SparsityTarget] = []
    if let share = options.number("sparsity") { targets.append(.groupSparsity(share)) }
    do {
      if let text = options.text("macs") { targets.append(.macs(try Limit(parsing: text, of: .macs))) }
      if let text = options.text("params") { targets.append(.parameters(try Limit(parsing: text, of: .parameters))) }
    } catch {
      throw ConfigError(options.location, "\(error)")
    }
    guard let target = targets.first, targets.count == 1 else {
      throw ConfigError(options.location, "pass hesso needs one of sparsity, macs and params")
    }
    return target
  }

  private static func settings(_ options: OptionValues) throws(ConfigError) -> HESSOSettings {
    var settings = HESSOSettings()
    settings.startsFromScratch = options.flag("from_scratch") ?? settings.startsFromScratch
    settings.start = options.integer("pruning_start")
    settings.pruningSteps = options.integer("pruning_steps")
    settings.periods = options.integer("periods") ?? settings.periods
    settings.roundTo = options.integer("round_to") ?? settings.roundTo
    settings.minimumKeepShare = options.number("min_keep_share")
    guard options.flag("cric") ?? false else {
      for name in ["cric_steps", "cric_cycles"] where options.integer(name) != nil {
        throw ConfigError(options.location(of: name), "\(name) is for cric: true")
      }
      return settings
    }
    guard options.integer("periods") == nil else {
      throw ConfigError(options.location(of: "periods"), "periods is without cric, after which all goes in one")
    }
    var correction = CorrectiveCycleSettings()
    correction.samplingSteps = options.integer("cric_steps") ?? correction.samplingSteps
    correction.cycles = options.integer("cric_cycles") ?? correction.cycles
    settings.correction = correction
    return settings
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    var settings = training
    settings.seed = context.seed
    let trainer = try Trainer(
      model, data: try data(context), teacher: settings.loss.distillation == nil ? nil : model, settings: settings)
    let hesso = try HESSOSteps(trainer, target: target, settings: sparse, candidates: candidates)
    trainer.shaper = hesso
    for (label, reason) in hesso.skipped { context.logger.notice("remark: \(label) stays as it is: \(reason)") }
    let (losses, course) = try train(trainer, hesso, in: context)
    try trainer.checkWeights()
    let trained = trainer.trainedModel()
    model = try hesso.construct(trained)
    let last = losses.suffix(100)
    hesso.measuresNorms = true
    var statistics: [(name: String, value: JSONText)] = [
      ("steps", .int(trainer.step)), ("loss", .double(last.reduce(0, +) / Double(max(1, last.count)))),
    ]
    statistics += hesso.figures.map { (name: $0.name, value: JSONText.double($0.value)) }
    statistics.append(("skippedGroups", .int(hesso.skipped.count)))
    var report = PassReport(isModified: true, statistics: statistics)
    report.course = course
    return report
  }

  /// Makes all steps.
  /// - Returns: the losses of those that did not only try something, and how the run went.
  private func train(
    _ trainer: Trainer, _ hesso: HESSOSteps, in context: Context
  ) throws -> (losses: [Double], course: [JSONText]) {
    var losses: [Double] = []
    var course: [JSONText] = []
    while !trainer.isFinished {
      // Norms take a look at all weights: only where they are kept.
      hesso.measuresNorms = Self.isInCourse(trainer.step + 1, of: trainer.totalSteps)
      let step = try trainer.next()
      if step.hasLoss, !step.isTrial { losses.append(step.loss) }
      if hesso.measuresNorms { course.append(Self.point(step)) }
      context.progress("training", step.number, of: trainer.totalSteps)
      try context.cancellation.check()
    }
    return (losses, course)
  }

  /// Steps that are told one by one, at most.
  private static let courseLength = 50

  /// Whether a step, counted from 1, is told: they lie evenly, and the last is one of them.
  private static func isInCourse(_ number: Int, of total: Int) -> Bool {
    let length = min(courseLength, total)
    return number * length / total > (number - 1) * length / total
  }

  private static func point(_ step: Trainer.Step) -> JSONText {
    // The loss of a trial is that of a model with parts taken away.
    let loss: JSONText = step.hasLoss && !step.isTrial ? .double(step.loss) : .null
    let figures = step.figures.map { ($0.name, JSONText.double($0.value)) }
    return .object([("step", .int(step.number)), ("loss", loss)] + figures)
  }
}
