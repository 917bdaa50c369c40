import ArgumentParser
import Coppice

struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes channels and writes the smaller model.",
    discussion: "EXAMPLE\n  coppice prune model.onnx --ratio 0.5 -o small.onnx")

  @Argument(help: "The model to prune.") var model: String
  @OptionGroup var selection: SelectionArguments
  @OptionGroup var output: OutputArguments
  @Flag(help: "Print the result as JSON.") var json = false

  func run() throws {
    let start = ContinuousClock.now
    let digest = BackgroundDigest(try FileBytes(path: model).region)
    let session = try Session(path: model)
    let (chosen, keep) = try selection.select(session)
    let plan = Plan(
      selection: chosen, analysis: session.analysis, modelPath: session.path, modelDigest: digest.value())
    try output.write(session, keep: keep, groups: plan.groups, digest: plan.modelDigest)
    let summary = Summary(before: plan.before, after: plan.after, seconds: Session.seconds(since: start))
    print(json ? summary.json().text(linesTo: 1) : summary.text)
  }
}
