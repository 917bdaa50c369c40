import Analysis
import ArgumentParser
import Calibration
import Coppice
import Glibc
import Pruning

struct Scores: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows how much each channel matters by a criterion.",
    discussion: """
      Scores are the criterion's own, before groups are made comparable; the lowest go first.

      EXAMPLES
        coppice scores model.onnx --criterion l2
        coppice scores model.onnx --criterion fisher --data train.npz --samples 512 --json
      """)

  @Argument(help: "The model to look at.", completion: .file(extensions: ["onnx"])) var model: String
  @OptionGroup(title: "How channels are scored") var scoring: ScoringArguments
  @OptionGroup(title: "What they are measured on") var calibration: CalibrationArguments
  @OptionGroup var inputs: InputShapeArguments
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let scoring = try scoring.scoring()
    let shapes = try inputs.parsed()
    let session = try Session(path: model, shapes: shapes)
    let scored = try scoring.scores(
      of: Array(session.analysis.groups.indices), in: session.analysis,
      evidence: evidence(for: scoring, session, shapes))
    let remarks = Self.remarks(scored)
    if !json, !talk.quiet { for remark in remarks { Talk.say(remark) } }
    try printOut(
      json
        ? Self.json(scored, session.analysis, criterion: scoring.criterion.name, remarks).text(linesTo: 2)
        : Talk.printable(Self.text(scored, session.analysis)))
  }

  private func evidence(for scoring: Scoring, _ session: Session, _ shapes: InputShapes) throws -> Evidence {
    guard !scoring.criterion.measurements.isEmpty else { return .none }
    let progress = talk.progress
    let samples = try calibration.calibrationData(
      for: session.model, shapes: shapes, seed: scoring.seed, runtime: runtime.options
    ) { work, done, all in progress(work, done, of: all) }
    talk.remark(on: samples)
    let measuring = calibration.measuring(
      session.model, session.analysis, on: samples, seed: scoring.seed, runtime: runtime.options)
    return try measuring.evidence(for: scoring.criterion) { work, done, all in progress(work, done, of: all) }
  }

  /// What users should know, a sentence each.
  static func remarks(_ scored: ScoredGroups) -> [String] {
    scored.fallbacks.map { reason, groups in "\(reason): \(groups.count) groups, such as \(groups[0])" }
      + scored.nonFiniteTensors.map { "\($0): holds numbers that are not finite" }
  }

  private static func json(
    _ scored: ScoredGroups, _ analysis: ModelAnalysis, criterion: String, _ remarks: [String]
  ) -> JSONText {
    let groups = scored.entries.map { entry -> JSONText in
      let group = analysis.groups[entry.group]
      return .object([
        ("id", .string(group.id)), ("size", .int(group.size)),
        ("scores", .array(entry.scores.map { .double(Double($0)) })),
      ])
    }
    return .object([
      ("version", .int(1)), ("criterion", .string(criterion)), ("groups", .array(groups)),
      ("remarks", .array(remarks.map { .string($0) })),
    ])
  }

  private static func text(_ scored: ScoredGroups, _ analysis: ModelAnalysis) -> String {
    guard !scored.entries.isEmpty else { return "no groups: nothing here can be pruned" }
    var rows = [["group", "size", "least", "median", "largest"]]
    for entry in scored.entries {
      let group = analysis.groups[entry.group]
      let ordered = entry.scores.filter(\.isFinite).sorted()
      let numbers = ordered.isEmpty ? [] : [ordered[0], median(ordered), ordered[ordered.count - 1]]
      let cells = numbers.isEmpty ? ["–", "–", "–"] : numbers.map { short($0) }
      rows.append([group.id, "\(group.size)"] + cells)
    }
    return table(rows)
  }

  /// - Precondition: there is a number.
  private static func median(_ ordered: [Float]) -> Float {
    let middle = ordered.count / 2
    return ordered.count % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2
  }

  /// Four digits that matter.
  private static func short(_ number: Float) -> String {
    guard number != 0, number.isFinite else { return "\(number)" }
    let factor = pow(10, 3 - floor(log10(abs(Double(number)))))
    return "\(Float((Double(number) * factor).rounded() / factor))"
  }
}
