import ArgumentParser
import Coppice
import DataSources
import Training

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how well a model does on data.",
    discussion: """
      \(DataArguments.discussion)
      What does not fit the model, or is no number or class, is an error before anything runs.

      EXAMPLES
        coppice eval model.onnx --data test.npz
        coppice eval model.onnx --data t10k-images-idx3-ubyte.gz --mean 0.286 --std 0.353
      """)

  @Argument(help: "The model to measure.", completion: .file(extensions: ["onnx"])) var model: String
  @Option(help: ArgumentHelp("Inputs and labels.", valueName: "path"), completion: .file()) var data: String
  @Option(parsing: .unconditional, help: "Samples of a run.") var batch = 64
  @OptionGroup(title: "Data options") var source: DataArguments
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
    let source = try self.source.open(data)
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
