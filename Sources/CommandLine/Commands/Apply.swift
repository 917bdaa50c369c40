import ArgumentParser
import Coppice
import Files

struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carries a plan out.",
    discussion: """
      Where samples are given, the layers that are left make up for what goes, whatever
      criterion chose: as --repair says, else one after the other, or each for itself
      on noise that is not fitted. What is drawn is drawn by the seed of the plan.

      EXAMPLES
        coppice apply model.onnx --plan plan.json -o small.onnx
        coppice apply model.onnx --plan plan.json --calibration train.npz -o small.onnx
      """)

  @Argument(help: "The model the plan was made for.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("The plan.", valueName: "path"), completion: .file(extensions: ["json"]))
  var plan: String
  @OptionGroup(title: "How layers make up for what goes") var calibration: RepairArguments
  @OptionGroup var output: OutputArguments
  @OptionGroup var inputs: InputShapeArguments
  @Flag(help: "Print the result as JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func validate() throws {
    if calibration.weighGroups {
      throw ValidationError("--weigh-groups says what goes, which the plan has decided; give it to coppice plan")
    }
  }

  func run() throws {
    let start = ContinuousClock.now
    let (session, digest) = try Session.hashed(path: model, shapes: inputs.parsed())
    let input = try PlanInput(path: plan, for: session, digest: digest.value())
    var context = talk.context(for: session)
    context.seed = input.seed
    let read = try [plan] + calibration.samples.paths()
    try OutputPlace.refuseInput(output.output, reading: read, models: [session.model])
    try output.check(session)
    talk.explain(keptTable(input.groups))
    let repairing = try calibration.calibration(shapes: inputs.parsed(), seed: input.seed)
    let (pruned, repair) = try repairing.carryOut(
      keep: input.keep, groups: input.groups, by: input.criterion, on: session.model, session.analysis, in: context)
    if !repair.layers.isEmpty { talk.explain(repairTable(repair)) }
    try output.write(pruned, of: session, progress: context.progress, protecting: read) {
      Model.sourceEntries(model: digest.value(), plan: input.digest)
    }
    try Summary(
      before: ModelStatistics(session.analysis), after: ModelStatistics(session.analysis, keeping: input.keep),
      seconds: Session.seconds(since: start)
    ).report(json: json, talk)
  }
}
