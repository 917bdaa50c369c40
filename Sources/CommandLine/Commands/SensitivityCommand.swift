import ArgumentParser
import Calibration
import Coppice
import DataSources
import Pruning

struct SensitivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Shows how far the outputs move when channels of one group alone go.",
    discussion: """
      Tries every group that would be pruned, each alone, and compares the model's outputs on samples: E‖ŷ − y‖² as a
      share of their variance. The groups that matter most come first.

      EXAMPLES
        coppice sensitivity model.onnx --calibration noise
        coppice sensitivity model.onnx --data train.npz --max-error 5% --rules rules.txt
        coppice prune model.onnx --macs 50% --rules-from rules.txt -o small.onnx

      With --rules-as ratios just the shares within --max-error go, and what --ratio says does not matter:
        coppice sensitivity model.onnx --data train.npz --max-error 5% --rules rules.txt --rules-as ratios
        coppice prune model.onnx --ratio 50% --rules-from rules.txt -o small.onnx
      """)

  @Argument(help: "The model to look at.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("Shares of a group to remove, divided by commas.", valueName: "list"))
  var ratios = ShareList([0.25, 0.5, 0.75])
  @Option(
    help: ArgumentHelp(
      "Kinds of dimensions to try: all, or a list of "
        + "\(DimensionKind.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "list"))
  var kinds: String?
  @Option(help: "How layers make up for what goes before outputs are compared: none, par or seq.")
  var repair = RepairArguments.Way.none
  @Option(help: ArgumentHelp("How far the outputs may move, such as 5%.", valueName: "share"))
  var maxError: Share?
  @Option(
    help: ArgumentHelp(
      "Where rules go that keep each group within --max-error, for --rules-from.", valueName: "path"),
    completion: .file())
  var rules: String?
  @Option(
    help: ArgumentHelp(
      "What the rules say of the largest share within --max-error: bounds (no more goes) or ratios (just that goes, "
        + "and nothing of other groups). Default: bounds.", valueName: "form"))
  var rulesAs: Sensitivity.RuleForm?
  @Flag(help: "Replace the file of rules if it exists.") var force = false
  @OptionGroup(title: "How channels are scored") var scoring: ScoringArguments
  @OptionGroup(title: "What they are measured on") var calibration: CalibrationArguments
  @OptionGroup var inputs: InputShapeArguments
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func validate() throws {
    try ratios.check("--ratios")
    _ = try options()
    guard calibration.data != nil || calibration.calibration != nil else {
      throw ValidationError("outputs are compared on samples: give --data or --calibration")
    }
    guard maxError.map({ $0.value >= 0 }) ?? true else { throw ValidationError("--max-error must not be negative") }
    guard let rules else {
      guard rulesAs == nil else { throw ValidationError("--rules-as needs --rules, where they go") }
      return
    }
    guard maxError != nil else { throw ValidationError("--rules needs --max-error, which they hold") }
    guard rules != "-" else { throw ValidationError("rules cannot go to standard output; give --rules a path") }
  }

  func run() throws {
    let scoring = try scoring.scoring()
    let session = try Session(path: model, shapes: inputs.parsed())
    if let rules {
      try OutputPlace.refuse(rules, force: force, reading: calibration.paths(), models: [session.model])
    }
    let progress = talk.progress
    let data = try calibration.calibrationData(
      for: session.model, shapes: inputs.parsed(), seed: scoring.seed, runtime: runtime.options
    ) { work, done, all in progress(work, done, of: all) }
    talk.remark(on: data)
    guard let data else { throw Failure.usage("outputs are compared on samples: give --data or --calibration") }
    let (scored, remarks) = try scores(scoring, session, data)
    let sensitivity = Sensitivity(
      session.model, session.analysis, data: data, options: sensitivityOptions(seed: scoring.seed))
    let points = try sensitivity.points(scored) { work, done, all in progress(work, done, of: all) }
    let found = SensitivityTable(
      points, session.analysis, ratios: ratios.values, largestError: maxError?.value)
    if let rules, let maxError {
      let made = sensitivity.rules(points, within: maxError.value, as: rulesAs ?? .bounds)
      try emit(
        Self.file(of: made, within: maxError.value), to: rules, overwrite: force, protecting: session.model)
    }
    if !json, !talk.quiet { for remark in remarks { Talk.say(remark) } }
    try printOut(
      json
        ? document(found, criterion: scoring.criterion.name, remarks).text(linesTo: 2)
        : Talk.printable(found.text))
  }

  /// What would be pruned.
  private func options() throws -> SelectionOptions {
    try understood {
      // Which factor of a product goes may depend on how much does.
      var options = SelectionOptions(ratio: ratios.values.max() ?? 0.5)
      if let kinds { options.kinds = try SelectionOptions.Kinds(parsing: kinds) }
      return options
    }
  }

  private func sensitivityOptions(seed: UInt64) -> Sensitivity.Options {
    var options = Sensitivity.Options()
    options.ratios = ratios.values.sorted()
    options.batch = calibration.sampling.batch
    options.runtime = calibration.sampling.measuring(seed: seed, runtime: runtime.options).runtime
    var repairing = calibration.sampling.repairing(seed: seed, runtime: runtime.options)
    switch repair {
    case .none: options.repair = nil
    case .par:
      repairing.order = .parallel
      options.repair = repairing
    case .seq: options.repair = repairing
    }
    return options
  }

  /// The scores of the channels of the groups to try, the lowest of which go first.
  private func scores(
    _ scoring: Scoring, _ session: Session, _ data: CalibrationData
  ) throws -> (scored: [(group: Int, scores: [Double])], remarks: [String]) {
    let groups = try understood { try options().candidateGroups(in: session.analysis) }
    let progress = talk.progress
    let evidence = try calibration.measuring(
      session.model, session.analysis, on: data, seed: scoring.seed, runtime: runtime.options
    ).evidence(for: scoring.criterion) { work, done, all in progress(work, done, of: all) }
    let scored = try scoring.scores(of: groups, in: session.analysis, evidence: evidence)
    return (scored.entries.map { (group: $0.group, scores: $0.normalized) }, Scores.remarks(scored))
  }

  /// Rules as files of rules have them.
  private static func file(of rules: [Rule], within error: Double) -> String {
    let head = "# The largest shares tried that change the outputs by at most \(percent(error)), each group alone."
    return ([head] + rules.map(\.text)).map { $0 + "\n" }.joined()
  }

  private func document(_ found: SensitivityTable, criterion: String, _ remarks: [String]) -> JSONText {
    .object([
      ("version", .int(1)), ("criterion", .string(criterion)), ("repair", .string(repair.rawValue)),
      ("groups", found.json), ("remarks", .array(remarks.map { .string($0) })),
    ])
  }
}

extension Sensitivity.RuleForm: ExpressibleByArgument {}
