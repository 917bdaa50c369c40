import ArgumentParser
import Coppice

struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carries a plan out.", discussion: "EXAMPLE\n  coppice apply model.onnx --plan plan.json -o small.onnx")

  @Argument(help: "The model the plan was made for.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("The plan.", valueName: "path"), completion: .file(extensions: ["json"]))
  var plan: String
  @OptionGroup var output: OutputArguments
  @Flag(help: "Print the result as JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let start = ContinuousClock.now
    let (session, digest) = try Session.hashed(path: model)
    let input = try PlanInput(path: plan, for: session, digest: digest.value())
    talk.explain(keptTable(input.groups))
    try output.write(
      session, keep: input.keep, groups: input.groups, progress: talk.progress, protecting: [plan]
    ) { Model.sourceEntries(model: digest.value(), plan: input.digest) }
    try Summary(
      before: ModelStatistics(session.analysis), after: ModelStatistics(session.analysis, keeping: input.keep),
      seconds: Session.seconds(since: start)
    ).report(json: json, talk)
  }
}
