import Analysis
import ArgumentParser
import Coppice
import DataSources
import IR
import Pruning
import Runtime
import SparseTraining
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model on data and writes it back.",
    discussion: """
      \(DataArguments.discussion)
      What does not fit the model, or is no number or class, is an error before training starts.
      Ctrl-C finishes the step, writes a checkpoint and ends with exit code 130,
      SIGTERM with 143, a terminal that closes with 129; --resume goes on from it
      to the same result. A checkpoint is kept too where the model cannot be
      written in the end; --resume then writes the model.

      EXAMPLES
        coppice train small.onnx --data train.npz --validation test.npz --lr 0.01 --momentum 0.9 \\
          --batch 64 --epochs 5 --teacher model.onnx -o trained.onnx
        coppice train small.onnx --data train-images-idx3-ubyte.gz --mean 0.286 --std 0.353 \\
          --augment flip,shift:2 --validation-share 0.1 --lr 0.01 --epochs 5 -o trained.onnx
      """)

  @Argument(help: "The model to train.", completion: .file(extensions: ["onnx"])) var model: String
  @OptionGroup var settings: TrainSettingsArguments
  @OptionGroup var files: TrainFileArguments
  @OptionGroup(title: "Data options") var source: TrainDataArguments
  @OptionGroup var runtime: RuntimeArguments
  @Flag(help: "Print the result as JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let trainingSettings = try settings.parsed()
    let read = try source.paths(files) + [model, settings.teacher].compactMap { $0 }
    let file = try ModelFile(path: model)
    let digest = BackgroundDigest(file.bytes)
    let loaded = try file.model()
    let teacher = try settings.teacher.map { try ModelFile(path: $0).model() }
    try files.refuse(
      reading: read, models: [loaded] + (teacher.map { [$0] } ?? []), beside: settings.sparse.zeroed.map { [$0] } ?? [])
    let (data, validation) = try source.open(
      files, seed: settings.seed, needsLabels: settings.teacher == nil || settings.teacherShare != 1)
    let trainer: Trainer
    do throws(TrainingError) {
      trainer = try Trainer(
        loaded, data: data, teacher: teacher, settings: trainingSettings, digest: digest.value(),
        options: runtime.options)
    } catch {
      throw error.naming(subject)
    }
    let sparse = try sparseSteps(trainer)
    if let validation { try evaluation.check(trainer.trainedModel(), on: validation) }
    talk.explain("planned memory \(grouped(trainer.memory.peakBytes)) bytes, \(counted(trainer.totalSteps, "step"))")
    if let path = files.resume { try trainer.resume(from: path) }
    TrainInterruption.install()
    var run = TrainRun(
      trainer: trainer, sparse: sparse, validation: validation, evaluation: evaluation, files: files, talk: talk,
      subject: subject)
    let result = try run.toTheEnd { trained, small in
      try write(small, to: files.output, reading: read)
      if let path = settings.sparse.zeroed { try write(trained, to: path, reading: read) }
    }
    try report(result)
  }

  /// What trains channels away, where that is asked for.
  private func sparseSteps(_ trainer: Trainer) throws -> HESSOSteps? {
    guard settings.optimizer == .hesso else { return nil }
    let arguments = settings.sparse
    let sparse: HESSOSteps
    do {
      sparse = try HESSOSteps(
        trainer, target: try arguments.target(), settings: arguments.settings, candidates: try arguments.candidates(),
        workers: runtime.options.workers)
    } catch let error as TrainingError { throw error.naming(subject) } catch let error as AnalysisError {
      throw Failure.invalidModel("\(model): \(error)")
    }
    trainer.shaper = sparse
    remark(onSkipped: sparse.skipped)
    return sparse
  }

  private func remark(onSkipped groups: [(label: String, reason: String)]) {
    for (label, reason) in groups { talk.explain("\(label) stays as it is: \(reason)") }
    // JSON has all of them.
    guard !groups.isEmpty, !json, !talk.quiet, !talk.verbose else { return }
    let stay = groups.count == 1 ? "stays" : "stay"
    Talk.say("remark: \(counted(groups.count, "group")) \(stay) whole; -v says which and why")
  }

  /// What is trained, as errors name it.
  private var subject: String { settings.teacher.map { "\(model) taught by \($0)" } ?? model }

  private var evaluation: Evaluation {
    Evaluation(settings.loss.loss(), batch: settings.batch, options: runtime.options)
  }

  private func write(_ trained: Model, to path: String, reading inputs: [String]) throws {
    var options = ONNXWriter.Options()
    options.overwrite = files.force
    options.protectedPaths = inputs
    try trained.write(to: path, options: options)
  }

  private func report(_ result: TrainRun.Result) throws {
    func number(_ value: Double?) -> JSONText { value.map { .double($0) } ?? .null }
    if json {
      var pairs: [(String, JSONText)] = [
        ("version", .int(1)), ("steps", .int(result.steps)), ("loss", number(result.loss)),
        ("top1", number(result.top1)), ("secondsPerStep", number(result.secondsPerStep)),
        ("peakBytes", .int(BenchRunner.peakBytes)),
      ]
      if let metrics = result.validation { pairs.append(("validation", .object(metrics.json))) }
      if let change = result.change { pairs += change.json }
      try printOut(JSONText.object(pairs).text(linesTo: 1))
    } else if !talk.quiet {
      try printOut(text(result))
      if let change = result.change { try printOut(change.text) }
      if let metrics = result.validation { try printOut("validation: \(metrics.text)") }
    }
  }

  private func text(_ result: TrainRun.Result) -> String {
    let steps = counted(result.steps, "step")
    guard let seconds = result.secondsPerStep else { return "\(steps), made before" }
    guard let loss = result.loss else {
      return "\(steps), \(decimal(seconds * 1e3, 1)) ms each; no labels to tell a loss of"
    }
    return "\(steps), \(decimal(seconds * 1e3, 1)) ms each; loss \(decimal(loss, 4))"
      + (result.top1.map { ", top-1 \(decimal($0 * 100, 2)) %" } ?? "") + " over the last steps"
  }
}
