import ArgumentParser
import Coppice
import Files

struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes channels and writes the smaller model.",
    discussion: "EXAMPLE\n  coppice prune model.onnx --ratio 0.5 -o small.onnx")

  @Argument(help: "The model to prune.", completion: .file(extensions: ["onnx"])) var model: String
  @OptionGroup var selection: SelectionArguments
  @OptionGroup(title: "What is measured, and how layers make up for what goes") var calibration: RepairArguments
  @OptionGroup var output: OutputArguments
  @OptionGroup var inputs: InputShapeArguments
  @Flag(help: "Print the result as JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let start = ContinuousClock.now
    let (session, digest) = try Session.hashed(path: model, shapes: inputs.parsed())
    let context = talk.context(for: session)
    let read = try calibration.samples.paths()
    try OutputPlace.refuseInput(output.output, reading: read, models: [session.model])
    try output.check(session)
    let pass = try selection.pass(calibration.calibration(shapes: inputs.parsed(), seed: selection.scoring.seed))
    let (plan, pruned, repair) = try pass.prune(session.model, session.analysis, in: context)
    talk.explain(keptTable(plan.groups))
    if !repair.layers.isEmpty { talk.explain(repairTable(repair)) }
    try output.write(pruned, of: session, progress: context.progress, protecting: read) { [plan] in
      var plan = plan
      plan.modelDigest = digest.value()
      return Model.sourceEntries(model: plan.modelDigest, plan: plan.digest)
    }
    try Summary(before: plan.before, after: plan.after, seconds: Session.seconds(since: start)).report(json: json, talk)
  }
}
