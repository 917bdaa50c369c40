import Analysis
import Calibration
import Training

/// What pipeline files say of pruning, and what it means.
enum PruneOptions {
  static let descriptions: [PassOption] = targets + repetitions + choices + scorings + samples + calibrations

  private static let targets: [PassOption] = [
    PassOption("ratio", .share, help: "Share of each chosen dimension to remove; this or budgets are needed."),
    PassOption("macs", .orMapping(.text, key: "max"), help: "Multiply-accumulates of the result at most, such as 50%."),
    PassOption("params", .orMapping(.text, key: "max"), help: "Parameters of the result at most, such as 50% or 10M."),
    PassOption("size", .orMapping(.text, key: "max"), help: "Bytes of the result's files at most, such as 20MB."),
  ]

  private static let repetitions: [PassOption] = [
    PassOption(
      "rounds", .integer(atLeast: 1), default: "1",
      help: "Channels are scored and a part of them removed this many times, at most 1000.")
  ]

  private static let choices: [PassOption] = [
    PassOption(
      "kinds", .choices(["all"] + DimensionKind.allCases.map(\.rawValue)),
      default: "what is usual, and one factor of each product", help: "Kinds of dimensions to cut."),
    PassOption(
      "scope", .choice(Scope.allCases.map(\.rawValue)), default: "group for a ratio, global for budgets",
      help: "Among which channels the least important are looked for."),
    PassOption("round_to", .integer(atLeast: 1), default: "8", help: "Kept widths are rounded to multiples of this."),
    PassOption(
      "min_keep_share", .fraction, default: "0.1 where groups are ranked together",
      help: "Least share of each group that stays."),
    PassOption("max_ratio", .fraction, help: "Largest share of each group that goes."),
    PassOption(
      "rules", .list(of: .either(.text, .mapping(rule))),
      help: "Exceptions for some groups, such as `/layer1/*:max-ratio=0.3`; the last match wins."),
    PassOption(
      "cost_exponent", .number(0...2), default: "what is usual for the criterion",
      help: "How far costs enter a global ranking for budgets: 0 not at all, 1 fully."),
    PassOption(
      "exact_only", .flag, default: "false",
      help: "Leaves dimensions alone whose removal is not the same as zeroing them."),
  ]

  private static let scorings: [PassOption] = [
    PassOption("criterion", .choice(Criteria.all.map(\.name)), default: "l2", help: "How channels are scored."),
    PassOption(
      "aggregate", .choice(Aggregation.allCases.map(\.rawValue)), default: "mean",
      help: "How the scores of a group's weights become one."),
    PassOption(
      "members", .choice(MemberScope.allCases.map(\.rawValue)), default: "what is usual for the criterion",
      help: "Weights that are looked at."),
    PassOption(
      "normalise", .choice(ScoreNormalization.allCases.map(\.rawValue)), default: "what is usual for the criterion",
      help: "How groups are made comparable."),
    PassOption("seed", .integer(atLeast: 0), default: "the pipeline's", help: "Seed of what is drawn at random."),
  ]

  private static let samples =
    SampleOptions.descriptions(data: "Inputs and labels, for criteria that look at gradients.")
    + [SampleOptions.momentMemory]

  private static let calibrations: [PassOption] = [
    PassOption("loss", .choice(losses.map(\.name)), default: "cross-entropy", help: "What gradients are taken of."),
    PassOption(
      "repair", .choice(["none"] + Repair.Order.allCases.map(\.rawValue)),
      default: "seq, or par on noise that is not fitted, for obspa and ziplm; none otherwise",
      help: "How layers make up for what goes: each for itself, or one after the other."),
    PassOption(
      "damping", .number(0...1000), default: "0.01, 0.1 on noise that is not fitted",
      help: "What pulls repaired weights towards what they were, as a share of the mean variance of inputs."),
    PassOption(
      "weigh_groups", .flag, default: "false",
      help: "Groups count by what removing a half of each does to the outputs."),
  ]

  private static let losses: [(name: String, loss: Loss)] = [
    ("cross-entropy", .crossEntropy), ("mse", .meanSquaredError), ("bce", .binaryCrossEntropy),
  ]

  private static let rule: [PassOption] = [
    PassOption("match", .either(.text, .mapping(match)), isRequired: true, help: "Which groups it holds for."),
    PassOption("keep", .choice(["all"]), help: "All channels stay."),
    PassOption("ratio", .share, help: "Exactly this share goes."),
    PassOption("max_ratio", .fraction, help: "At most this share goes."),
    PassOption("min_keep", .integer(atLeast: 1), help: "At least this many channels stay."),
    PassOption("min_keep_share", .fraction, help: "At least this share of the channels stays."),
    PassOption("round_to", .integer(atLeast: 1), help: "The kept number is rounded to multiples of this."),
  ]

  private static let match: [PassOption] = [
    PassOption("node", .text, help: "A pattern for names of nodes."),
    PassOption("tensor", .text, help: "A pattern for names of tensors."),
    PassOption("group", .text, help: "A pattern for identifiers of groups."),
    PassOption("op", .text, help: "Types of operators, joined by commas."),
    PassOption("kind", .choices(DimensionKind.allCases.map(\.rawValue)), help: "Kinds of dimensions."),
  ]

  // MARK: Reading

  static func selection(_ options: OptionValues) throws(ConfigError) -> SelectionOptions {
    var selection = SelectionOptions(try target(options))
    if let names = options.list("kinds") {
      selection.kinds = names.contains("all") ? .all : .only(Set(names.compactMap(DimensionKind.init(rawValue:))))
    }
    selection.scope = options.text("scope").flatMap(Scope.init(rawValue:))
    selection.roundTo = options.integer("round_to") ?? selection.roundTo
    selection.minimumKeepShare = options.number("min_keep_share")
    selection.maximumRatio = options.number("max_ratio")
    selection.costExponent = options.number("cost_exponent")
    selection.exactOnly = options.flag("exact_only") ?? selection.exactOnly
    for element in options.elements("rules") ?? [] {
      selection.rules.append(try located(options.location(of: "rules")) { () throws in try rule(element) })
    }
    return selection
  }

  static func rounds(_ options: OptionValues) throws(ConfigError) -> Int {
    let rounds = options.integer("rounds") ?? 1
    try located(options.location(of: "rounds")) { () throws in try PruningRounds.check(rounds) }
    return rounds
  }

  static func scoring(_ options: OptionValues) throws(ConfigError) -> Scoring {
    var scoring = try located(options.location(of: "criterion")) { () throws in
      try Scoring(named: options.text("criterion") ?? "l2")
    }
    scoring.aggregation = options.text("aggregate").flatMap(Aggregation.init(rawValue:)) ?? scoring.aggregation
    scoring.members = options.text("members").flatMap(MemberScope.init(rawValue:))
    scoring.normalization = options.text("normalise").flatMap(ScoreNormalization.init(rawValue:))
    return scoring
  }

  static func calibration(_ options: OptionValues) throws(ConfigError) -> PruneCalibration {
    let loss = losses.first { $0.name == options.text("loss") }?.loss ?? .crossEntropy
    var calibration = PruneCalibration(
      batch: options.integer("batch"), damping: options.number("damping"),
      memoryBudget: try SampleOptions.memoryBudget(options),
      samples: try SampleOptions.optional(options, loss: loss))
    calibration.loss = loss
    if let name = options.text("repair") {
      calibration.repair =
        Repair.Order(rawValue: name).map { PruneCalibration.RepairChoice.order($0) }
        ?? PruneCalibration.RepairChoice.none
    }
    calibration.weighsGroups = options.flag("weigh_groups") ?? false
    return calibration
  }

  private static func target(_ options: OptionValues) throws(ConfigError) -> Target {
    var budgets: [Budget] = []
    for (name, quantity) in [("macs", Quantity.macs), ("params", .parameters), ("size", .size)] {
      guard let text = options.text(name) else { continue }
      budgets.append(
        try located(options.location(of: name)) { () throws in try Budget(quantity, parsing: text) })
    }
    guard let ratio = options.number("ratio") else {
      guard !budgets.isEmpty else {
        throw ConfigError(options.location, "pass prune needs ratio, macs, params or size")
      }
      return .budgets(budgets)
    }
    guard budgets.isEmpty else {
      throw ConfigError(options.location(of: "ratio"), "ratio cannot be combined with macs, params or size")
    }
    return .ratio(ratio)
  }

  private static func rule(_ value: OptionValue) throws -> Rule {
    if case .text(let text) = value { return try Rule(parsing: text) }
    guard case .group(let options) = value else { return Rule([], .keep) }
    var matches: [Rule.Match] = []
    if let pattern = options.text("match") { matches.append(.name(Glob(pattern))) }
    if let fields = options.group("match") {
      for field in ["node", "tensor", "group", "op"] {
        if let value = fields.text(field) { matches.append(try Rule.Match(field: field, value: value)) }
      }
      if let kinds = fields.list("kind") { matches.append(.kinds(kinds.compactMap(DimensionKind.init(rawValue:)))) }
    }
    guard !matches.isEmpty else { throw ConfigError(options.location, "a rule needs something to match") }
    var limits = Rule.Limits()
    limits.ratio = options.number("ratio")
    limits.maximumRatio = options.number("max_ratio")
    limits.minimumKeep = options.integer("min_keep")
    limits.minimumKeepShare = options.number("min_keep_share")
    limits.roundTo = options.integer("round_to")
    if options.text("keep") != nil {
      guard limits == Rule.Limits() else {
        throw ConfigError(options.location, "a rule cannot keep all and cut as well")
      }
      return Rule(matches, .keep)
    }
    guard limits != Rule.Limits() else {
      throw ConfigError(options.location, "a rule needs keep: all or a limit such as max_ratio")
    }
    return Rule(matches, .cut(limits))
  }

  /// Runs what reads one option; what it cannot read is told with the option's place.
  private static func located<Value>(
    _ location: ConfigLocation, _ body: () throws -> Value
  ) throws(ConfigError) -> Value {
    do { return try body() } catch let error as ConfigError { throw error } catch {
      throw ConfigError(location, "\(error)")
    }
  }
}
