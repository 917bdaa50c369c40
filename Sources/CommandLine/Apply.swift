import ArgumentParser
import Coppice

struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carries a plan out.", discussion: "EXAMPLE\n  coppice apply model.onnx --plan plan.json -o small.onnx")

  @Argument(help: "The model the plan was made for.") var model: String
  @Option(help: ArgumentHelp("The plan.", valueName: "path")) var plan: String
  @OptionGroup var output: OutputArguments
  @Flag(help: "Print the result as JSON.") var json = false

  func run() throws {
    let start = ContinuousClock.now
    let digest = BackgroundDigest(try FileBytes(path: model).region)
    let session = try Session(path: model)
    let bytes = try FileBytes(path: plan).region
    let file = try bytes.withUnsafeBytes { bytes throws(PlanError) in try PlanFile(parsing: bytes, path: plan) }
    guard file.digest == nil || file.digest == digest.value() else {
      throw Failure.usage("\(plan): was made for another file than \(model); make a new plan")
    }
    let keep = try file.keepSets(session.analysis)
    let groups = session.analysis.groups.compactMap { group in
      keep[group.dimension].map { Plan.Group(group, keep: $0, asked: $0.count) }
    }
    try output.write(session, keep: keep, groups: groups, digest: digest.value())
    let summary = Summary(
      before: ModelStatistics(session.analysis), after: ModelStatistics(session.analysis, keeping: keep),
      seconds: Session.seconds(since: start))
    print(json ? summary.json().text(linesTo: 1) : summary.text)
  }
}
