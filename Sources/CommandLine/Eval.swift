import ArgumentParser
import Coppice
import DataSources
import Training

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how well a model does on data.",
    discussion: """
      The data are an .npz file with an array for every input of the model and the labels as \(Loss.labelField).

      EXAMPLE
        coppice eval model.onnx --data test.npz
      """)

  @Argument(help: "The model to measure.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("Inputs and labels.", valueName: "path"), completion: .file()) var data: String
  @Option(help: "Samples of a run.") var batch = 64
  @OptionGroup var loss: LossArguments
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func validate() throws {
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
  }

  func run() throws {
    let start = ContinuousClock.now
    let loaded = try ModelFile(path: model).model()
    let source = try TrainData.open(data)
    let progress = talk.progress
    let evaluation = Evaluation(loss.loss(), batch: batch, options: runtime.options)
    let metrics = try evaluation(loaded, on: source) { done, total in
      progress("evaluating", done, of: total)
      return true
    }
    let seconds = Session.seconds(since: start)
    if json {
      let pairs = [("version", JSONText.int(1))] + metrics.json + [("seconds", .double(seconds))]
      try printOut(JSONText.object(pairs).text(linesTo: 1))
    } else if !talk.quiet {
      try printOut("\(metrics.text) on \(grouped(metrics.samples)) samples")
    }
  }
}

/// Data by its path.
enum TrainData {
  static func open(_ path: String) throws -> any Dataset { try ArrayDataset(archive: path) }
}
