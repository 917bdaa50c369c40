import ArgumentParser
import Calibration
import Coppice
import DataSources
import Pruning

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what criteria and repairs leave of a model.",
    discussion: """
      Prunes by every criterion, target and repair, and evaluates each model on labelled data; nothing is trained.
      \(DataArguments.discussion)

      EXAMPLES
        coppice compare model.onnx --data train.npz --test test.npz --criteria random,l1,obspa --macs 75%,50%
        coppice compare model.onnx --data train.npz --test test.npz --criteria l1,taylor --ratios 0.3,0.5 \\
          --corruptions noise,blur -o report.html --svg chart.svg
        coppice compare model.onnx --data train.npz --test test.npz --criteria obspa,ziplm --params 50%,25% \\
          --rounds 4 --weigh-groups
      """)

  @Argument(help: "The model to prune.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(
    help: ArgumentHelp(
      "Criteria, divided by commas, of \(Criteria.all.map(\.name).joined(separator: ", ")).", valueName: "list"))
  var criteria: String
  @OptionGroup(title: "How much goes (one of them)") var target: TargetListArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Score channels and remove a part of them this many times, from 1 to 1000.", valueName: "number"))
  var rounds = 1
  @Flag(help: "Let groups count by what removing a half of each does to the outputs.") var weighGroups = false
  @Option(help: ArgumentHelp("How layers make up for what goes, of none, par and seq.", valueName: "list"))
  var repair = "none,seq"
  @Option(
    help: ArgumentHelp(
      "Corruptions of pictures to evaluate under as well, of none, "
        + "\(Corruption.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "list"))
  var corruptions = "none"
  @Option(parsing: .unconditional, help: ArgumentHelp("How bad corruptions are, from 1 to 5.", valueName: "number"))
  var severity = 3
  @Option(help: ArgumentHelp("Seed of what is drawn at random.", valueName: "number")) var seed: UInt64 = 0
  @OptionGroup(title: "What is measured") var data: ComparisonArguments
  @OptionGroup(title: "What goes") var choice: ChoiceArguments
  @OptionGroup var inputs: InputShapeArguments
  @OptionGroup var runtime: RuntimeArguments
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where a report with chart and table goes.", valueName: "path"),
    completion: .file(extensions: ["html"]))
  var output: String?
  @Option(help: ArgumentHelp("Where the chart alone goes.", valueName: "path"), completion: .file(extensions: ["svg"]))
  var svg: String?
  @Flag(help: "Replace outputs that exist.") var force = false
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  private var outputs: [String] { [output, svg].compactMap { $0 } }

  func validate() throws {
    _ = try settings()
    guard PruningRounds.allowed.contains(rounds) else { throw ValidationError("--rounds must be from 1 to 1000") }
    guard Corruption.severities.contains(severity) else { throw ValidationError("--severity must be from 1 to 5") }
    guard !outputs.contains("-") else {
      throw ValidationError("the table goes to standard output; give -o and --svg paths")
    }
  }

  func run() throws {
    let session = try Session(path: model, shapes: inputs.parsed())
    try ONNXWriter.check(outputs, overwrite: force, protecting: session.model.sources)
    let read = try outputs.isEmpty ? [] : data.paths()
    for path in outputs { try OutputPlace.refuse(path, force: force, reading: read, models: [session.model]) }
    let comparison = try compare(session)
    let report = ComparisonReport(comparison, title: "Criteria compared on \(model)", notes: notes)
    if let output { try emit(report.html, to: output, overwrite: force, protecting: session.model) }
    if let svg { try emit(ComparisonChart(comparison).svg, to: svg, overwrite: force, protecting: session.model) }
    if !json, !talk.quiet, data.test == nil { Talk.say(Self.flattery) }
    try printOut(
      json
        ? document(comparison).text(linesTo: 2)
        : Talk.printable(table(comparison.table, leading: Set(0..<CriteriaComparison.namedColumns))))
  }

  private func compare(_ session: Session) throws -> CriteriaComparison {
    var settings = try self.settings()
    let test = try data.testData()
    settings.layout = test.layout
    let progress = talk.progress
    let samples = try data.calibrationData(
      for: session.model, shapes: inputs.parsed(), seed: seed, runtime: runtime.options
    ) { work, done, all in progress(work, done, of: all) }
    talk.remark(on: samples.inputs)
    do {
      return try CriteriaComparison(
        of: session.model, session.analysis, calibration: samples.inputs, labelled: samples.labelled, test: test.data,
        settings: settings
      ) { work, done, all in progress(work, done, of: all) }
    } catch let error as PassError {
      guard let failure = Failure(error) else { throw error }
      throw failure.prefixed(session.path)
    }
  }

  // MARK: What the flags say

  private func settings() throws -> CriteriaComparison.Settings {
    var settings = CriteriaComparison.Settings()
    settings.targets = try target.targets()
    settings.rounds = rounds
    settings.weighsGroups = weighGroups
    settings.scorings = try NameList.parse(criteria, of: "criterion", names: Criteria.all.map(\.name)) { name in
      Criteria.named(name).map(scoring)
    }
    settings.repairs = try NameList.parse(repair, of: "repair", names: LayerRepair.allCases.map(\.rawValue)) { name in
      LayerRepair(rawValue: name)
    }
    settings.corruptions = try parsedCorruptions()
    settings.severity = severity
    try understood { try choice.apply(to: &settings.selection) }
    settings.loss = data.sampling.loss.loss()
    settings.measuring = data.sampling.measuring(seed: seed, runtime: runtime.options)
    settings.repairing = data.sampling.repairing(seed: seed, runtime: runtime.options)
    settings.batch = data.sampling.batch
    settings.runtime = runtime.options
    settings.seed = seed
    return settings
  }

  private func scoring(_ criterion: any Criterion) -> Scoring {
    var scoring = Scoring(criterion)
    scoring.seed = seed
    return scoring
  }

  /// The data as they are come first anyway, whether `none` is said or not.
  private func parsedCorruptions() throws -> [Corruption] {
    let named = corruptions.split(separator: ",").filter { $0 != "none" }.joined(separator: ",")
    guard !named.isEmpty else { return [] }
    return try NameList.parse(named, of: "corruption", names: Corruption.allCases.map(\.rawValue)) { name in
      Corruption(rawValue: name)
    }
  }

  // MARK: What is said

  private static let flattery =
    "remark: models are evaluated on the data that criteria and repairs have seen; give others with --test"

  private var notes: [String] {
    var notes = ["Evaluated on \(data.test ?? data.data); calibrated on \(data.calibration ?? data.data)."]
    if data.test == nil { notes.append("Criteria and repairs have seen the data models are evaluated on.") }
    if rounds > 1 { notes.append("Channels were scored, and a part of them removed, \(rounds) times.") }
    if weighGroups { notes.append("Groups count by what removing a half of each does to the outputs.") }
    notes.append("Nothing was trained after pruning.")
    return notes
  }

  private func document(_ comparison: CriteriaComparison) -> JSONText {
    let rows = comparison.rows.map { row -> JSONText in
      var pairs: [(String, JSONText)] = [
        ("criterion", row.pruning.map { .string($0.criterion) } ?? .null),
        ("target", row.pruning.map { .string($0.target.label) } ?? .null),
        ("repair", row.pruning.map { .string($0.repair.rawValue) } ?? .null),
        ("parameters", .int(row.parameters)), ("parametersShare", .double(row.parametersShare)),
        ("macs", .int(row.macs)), ("macsShare", .double(row.macsShare)),
      ]
      pairs += Self.json(row.score)
      let corrupted = zip(comparison.corruptions, row.corrupted).map { corruption, score in
        (corruption.rawValue, JSONText.object(Self.json(score)))
      }
      pairs.append(("corrupted", .object(corrupted)))
      return .object(pairs)
    }
    return .object([
      ("version", .int(1)), ("severity", .int(severity)), ("rounds", .int(rounds)),
      ("weighsGroups", .bool(weighGroups)), ("rows", .array(rows)),
    ])
  }

  private static func json(_ score: CriteriaComparison.Score) -> [(String, JSONText)] {
    [("top1", score.top1.map { .double($0) } ?? .null), ("loss", .double(score.loss))]
  }
}
