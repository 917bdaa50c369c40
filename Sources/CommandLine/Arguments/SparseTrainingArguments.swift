import ArgumentParser
import Coppice
import Pruning
import SparseTraining
import Training

/// How `--optimizer hesso` trains channels away.
struct SparseTrainingArguments: ParsableArguments {
  enum BaseName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }

  @Option(help: "The optimizer hesso goes on; sgd by default.") var base: BaseName?
  @Option(help: ArgumentHelp("The share of all channels that is to go.", valueName: "share")) var sparsity: Share?
  @Option(
    help: ArgumentHelp("Multiply-accumulates of the result at most, such as 50% or 2.0G.", valueName: "amount"))
  var macs: String?
  @Option(help: ArgumentHelp("Parameters of the result at most, such as 50% or 10M.", valueName: "amount"))
  var params: String?
  @Option(
    help: ArgumentHelp(
      "Kinds of dimensions, such as channel,ffn, or all; what is usual by default.", valueName: "list"))
  var kinds: String?
  @Option(help: "What kept sizes are to be multiples of; 1 by default.") var roundTo: Int?
  @Option(
    help: ArgumentHelp(
      "The least share of each group that stays; 3/4 of an even cut's by default, a tenth with --macs and --params.",
      valueName: "share"))
  var minKeepShare: Share?
  @Flag(help: "The model has not been trained before: channels go later and more slowly.") var fromScratch = false
  @Option(
    help: ArgumentHelp(
      "The step from which on channels go; after a twentieth of all by default, a tenth with --from-scratch.",
      valueName: "step"))
  var pruningStart: Int?
  @Option(
    help: ArgumentHelp(
      "Steps in which channels go; a tenth of all by default, four tenths with --from-scratch.", valueName: "steps"))
  var pruningSteps: Int?
  @Option(help: "Periods these steps are divided into; 10, of 5 steps at least, by default.") var periods: Int?
  @Flag(help: "Try channels first, so that none goes that the model cannot do without (HESSO-CRIC).") var cric = false
  @Option(help: "Steps of a cycle of --cric; 10 by default.") var cricSteps: Int?
  @Option(help: "Cycles of --cric at most; 10 by default.") var cricCycles: Int?
  @Option(
    help: ArgumentHelp("Write the trained model there too, with zeros in place of what went.", valueName: "path"),
    completion: .file(extensions: ["onnx"]))
  var zeroed: String?

  /// Options by their names, and whether each is given.
  var given: [(name: String, isGiven: Bool)] {
    [
      ("--base", base != nil), ("--sparsity", sparsity != nil), ("--macs", macs != nil), ("--params", params != nil),
      ("--kinds", kinds != nil), ("--round-to", roundTo != nil), ("--min-keep-share", minKeepShare != nil),
      ("--from-scratch", fromScratch), ("--pruning-start", pruningStart != nil),
      ("--pruning-steps", pruningSteps != nil), ("--periods", periods != nil), ("--cric", cric),
      ("--cric-steps", cricSteps != nil), ("--cric-cycles", cricCycles != nil), ("--zeroed", zeroed != nil),
    ]
  }

  func validate() throws {
    for (name, number, least) in [
      ("--round-to", roundTo, 1), ("--pruning-start", pruningStart, 0), ("--pruning-steps", pruningSteps, 1),
      ("--periods", periods, 1), ("--cric-steps", cricSteps, 1), ("--cric-cycles", cricCycles, 1),
    ] {
      if let number, number < least { throw ValidationError("\(name) must be at least \(least)") }
    }
    if let sparsity, !(sparsity.value > 0 && sparsity.value < 1) {
      throw ValidationError("--sparsity must be between 0 and 1, not \(sparsity.value)")
    }
    if let minKeepShare, !(0...1).contains(minKeepShare.value) {
      throw ValidationError("--min-keep-share must be from 0 to 1, not \(minKeepShare.value)")
    }
    for (name, isGiven) in [("--cric-steps", cricSteps != nil), ("--cric-cycles", cricCycles != nil)]
    where isGiven && !cric { throw ValidationError("\(name) changes nothing without --cric") }
    if fromScratch, pruningStart != nil, pruningSteps != nil {
      throw ValidationError("--from-scratch changes nothing beside --pruning-start and --pruning-steps")
    }
    if cric, periods != nil {
      throw ValidationError("--periods changes nothing with --cric, after which all goes in one period")
    }
    guard zeroed != "-" else { throw ValidationError("a model cannot go to standard output; give --zeroed a path") }
  }

  func target() throws -> SparsityTarget {
    try understood {
      let targets: [SparsityTarget] = [
        sparsity.map { .groupSparsity($0.value) },
        try macs.map { .macs(try Limit(parsing: $0, of: .macs)) },
        try params.map { .parameters(try Limit(parsing: $0, of: .parameters)) },
      ].compactMap { $0 }
      guard let target = targets.first, targets.count == 1 else {
        throw ValidationError("say how much --optimizer hesso trains away by one of --sparsity, --macs and --params")
      }
      return target
    }
  }

  var settings: HESSOSettings {
    var settings = HESSOSettings()
    settings.startsFromScratch = fromScratch
    settings.start = pruningStart
    settings.pruningSteps = pruningSteps
    settings.periods = periods
    settings.roundTo = roundTo ?? settings.roundTo
    settings.minimumKeepShare = minKeepShare?.value
    guard cric else { return settings }
    var correction = CorrectiveCycleSettings()
    correction.samplingSteps = cricSteps ?? correction.samplingSteps
    correction.cycles = cricCycles ?? correction.cycles
    settings.correction = correction
    return settings
  }

  func candidates() throws -> SelectionOptions {
    try understood {
      var options = SelectionOptions(ratio: 0.5)
      if let kinds { options.kinds = try SelectionOptions.Kinds(parsing: kinds) }
      return options
    }
  }
}
