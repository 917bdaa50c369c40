import ArgumentParser
import Coppice

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Decides what to remove and writes the decision down.",
    discussion: "EXAMPLE\n  coppice plan model.onnx --ratio 0.3 -o plan.json")

  @Argument(help: "The model to plan for.", completion: .file(extensions: ["onnx"])) var model: String
  @OptionGroup var selection: SelectionArguments
  @OptionGroup(title: "What is measured, and how layers make up for what goes") var calibration: RepairArguments
  @OptionGroup var inputs: InputShapeArguments
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the plan goes; standard output otherwise.", valueName: "path"))
  var output: String?
  @Flag(help: "Replace the output if it exists.") var force = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let (session, digest) = try Session.hashed(path: model, shapes: inputs.parsed())
    let pass = try selection.pass(calibration.calibration(shapes: inputs.parsed(), seed: selection.scoring.seed))
    let context = talk.context(for: session)
    if let output {
      try OutputPlace.refuseInput(output, reading: calibration.samples.paths(), models: [session.model])
    }
    var (plan, _) = try pass.decide(session.model, session.analysis, in: context)
    plan.modelDigest = digest.value()
    talk.explain(keptTable(plan.groups))
    try emit(plan.text, to: output, overwrite: force, protecting: session.model)
    if pass.repairsLayers {
      context.logger.notice(
        "remark: a plan says only what goes; coppice apply repairs layers, given --calibration or --data")
    }
  }
}
