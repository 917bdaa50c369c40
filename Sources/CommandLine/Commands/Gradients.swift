import ArgumentParser
import Coppice
import DataSources
import Runtime
import Training

/// Writes gradients, so that they can be held against another program's.
struct Gradients: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the gradient of the mean loss with respect to every trained weight.",
    discussion: """
      All samples make one batch. Batch normalization takes its statistics from it, as in training.

      EXAMPLE
        coppice gradients model.onnx --data X.npz --loss cross-entropy -o gradients.npz
      """,
    shouldDisplay: false)

  @Argument(help: "The model.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("Inputs and labels.", valueName: "path"), completion: .file()) var data: String
  @OptionGroup(title: "Data options") var source: DataArguments
  @OptionGroup var loss: LossArguments
  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Where the gradients go, by the names of the weights.", valueName: "path"),
    completion: .file(extensions: ["npz"]))
  var output: String
  @Flag(help: "Batch normalization keeps its running statistics.") var freezeStatistics = false
  @Flag(help: "Compute in double precision, without the shortcuts that single precision takes.") var double = false
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Replace the output if it exists.") var force = false
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let loaded = try ModelFile(path: model).model()
    try OutputPlace.refuse(output, force: force, reading: [model, data], models: [loaded])
    let samples = try source.open(data)
    let settings = TrainingSettings(
      loss: loss.loss(), rule: SGD(), learningRate: 0, batch: samples.count, duration: .steps(1),
      normalizesByBatch: !freezeStatistics)
    var options = runtime.options
    options.precision = double ? .double : .single
    let trainer = try Trainer(loaded, data: samples, settings: settings, options: options)
    let (value, gradients) = try trainer.gradients()
    try NumPyFile.writeArchive(gradients, to: output, overwrite: force)
    if json {
      let pairs: [(String, JSONText)] = [
        ("version", .int(1)), ("loss", .double(value)), ("gradients", .int(gradients.count)),
      ]
      try printOut(JSONText.object(pairs).text(linesTo: 1))
    } else if !talk.quiet {
      try printOut("loss \(decimal(value, 6)), \(gradients.count) gradients")
    }
  }
}
