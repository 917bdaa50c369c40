import Analysis
import Coppice
import DataSources
import Files
import Glibc
import IR
import Pruning
import SparseTraining
import Training

/// Steps until the end, with what is said and written meanwhile.
struct TrainRun {
  struct Result {
    var steps: Int
    /// Mean over the last steps, a hundred at most; `nil` where none were left to make.
    var loss: Double?
    var top1: Double?
    var secondsPerStep: Double?
    var validation: Metrics?
    /// What was trained away, where something was to be.
    var change: Change?
  }

  /// What training away channels came to.
  struct Change {
    let sparsity: Double
    /// The same and the norms, at the end.
    let figures: [(name: String, value: Double)]
    /// Groups that stay whole, and why.
    let skipped: [(label: String, reason: String)]
    let before: ModelStatistics
    let after: ModelStatistics

    var text: String {
      func less(_ before: Int, _ after: Int) -> String {
        "\(grouped(before)) -> \(grouped(after)) (\(decimal(100 * Double(after) / Double(max(1, before)), 1)) %)"
      }
      return "\(decimal(100 * sparsity, 1)) % of the channels are gone; "
        + "MACs \(less(before.macs, after.macs)), parameters \(less(before.parameters, after.parameters))"
    }

    var json: [(String, JSONText)] {
      let groups = skipped.map { JSONText.object([("group", .string($0.label)), ("reason", .string($0.reason))]) }
      return figures.map { ($0.name, JSONText.double($0.value)) } + [
        ("skipped", JSONText.array(groups)), ("before", before.json), ("after", after.json),
      ]
    }
  }

  let trainer: Trainer
  let sparse: HESSOSteps?
  let validation: (any Dataset)?
  let evaluation: Evaluation
  let files: TrainFileArguments
  let talk: TalkArguments
  /// The model and its teacher, as errors name them.
  let subject: String
  /// The step of the last checkpoint that this run wrote to its place.
  var checkpointStep: Int?

  /// Makes the steps that are left, measures the model and hands it over to be written. Where any of that fails, what
  /// was trained so far is kept in a checkpoint.
  /// - Parameter write: is given the trained model and, where channels were trained away, the one without them.
  mutating func toTheEnd(
    writing write: (_ trained: Model, _ small: Model) throws -> Void
  ) throws -> Result {
    let start = trainer.step
    do {
      let progress = try makeSteps()
      guard !TrainInterruption.isRequested else { throw try interrupted() }
      try trainer.checkWeights()
      let trained = trainer.trainedModel()
      let small = try sparse.map { try $0.construct(trained) } ?? trained
      let metrics = try validation.map { try evaluation(small, on: $0, progress: goOn) }
      guard !TrainInterruption.isRequested else { throw try interrupted() }
      try write(trained, small)
      return Result(
        steps: trainer.step, loss: progress.loss, top1: progress.top1, secondsPerStep: progress.secondsPerStep,
        validation: metrics, change: try sparse.map { try Change($0, from: trained, to: small) })
    } catch {
      throw rescued((error as? TrainingError)?.naming(subject) ?? error, since: start)
    }
  }

  private mutating func makeSteps() throws -> TrainProgress {
    var log = try files.log.map { try TrainLog(path: $0, goingOnAfter: files.resume == nil ? nil : trainer.step) }
    var progress = TrainProgress(trainer: trainer, isQuiet: talk.quiet)
    defer { ProgressBar.eraseLine() }
    while !trainer.isFinished, !TrainInterruption.isRequested {
      let start = ContinuousClock.now
      let isTold = progress.willTell()
      sparse?.measuresNorms = isTold || files.log != nil
      let step = try trainer.next()
      progress.add(step, seconds: Session.seconds(since: start))
      try log?.write(step, seconds: Session.seconds(since: start))
      if !trainer.isFinished, trainer.epoch != step.epoch { try validate(epoch: step.epoch) }
      if let every = files.checkpointEvery, step.number % every == 0 { try writeCheckpoint() }
    }
    return progress
  }

  private func validate(epoch: Int) throws {
    guard let validation else { return }
    // The weights are not those that are trained: they come back.
    guard trainer.shaper?.tries != true else { return say("no validation in the middle of a trial", of: epoch) }
    let metrics = try evaluation(trainer.trainedModel(), on: validation, progress: goOn)
    guard !TrainInterruption.isRequested else { return }
    say("validation \(metrics.text)", of: epoch)
  }

  private func say(_ text: String, of epoch: Int) {
    guard !talk.quiet else { return }
    ProgressBar.eraseLine()
    Talk.say("epoch \(epoch + 1): \(text)")
  }

  /// Whether to go on with an evaluation.
  private func goOn(_: Int, _: Int) -> Bool { !TrainInterruption.isRequested }

  // MARK: Checkpoints

  /// Never of weights that are no numbers: they would take the place of those that were.
  private mutating func writeCheckpoint() throws {
    // What is only tried out may be anything, and will come back.
    if trainer.shaper?.tries != true { try trainer.checkWeights() }
    try trainer.writeCheckpoint(to: files.checkpointPath)
    checkpointStep = trainer.step
  }

  private mutating func interrupted() throws -> Failure {
    try writeCheckpoint()
    return .interrupted(
      "interrupted after step \(trainer.step) of \(trainer.totalSteps); \(Self.remedy(files.checkpointPath))",
      by: TrainInterruption.number)
  }

  /// The error with what is left to go on from.
  private mutating func rescued(_ error: any Error, since start: Int) -> any Error {
    if let training = error as? TrainingError, training.kind == .diverged { return error }
    guard let failure = Failure(error), failure.code < 128, trainer.step > start,
      (try? trainer.checkWeights()) != nil
    else { return error }
    let kept: String
    if let path = keep() {
      kept = "training is kept up to step \(trainer.step); \(Self.remedy(path))"
    } else if let checkpointStep {
      kept =
        "training is kept up to step \(checkpointStep) of \(trainer.step); \(Self.remedy(files.checkpointPath))"
    } else {
      kept = "no step of this run is kept, as no checkpoint could be written"
    }
    let text = "\(failure.message); \(kept)"
    return failure.code == 3 ? Failure.invalidModel(text) : Failure.other(text)
  }

  /// Writes a checkpoint to its place or, where that cannot be, into the working directory.
  /// - Returns: where it is.
  private mutating func keep() -> String? {
    let path = files.checkpointPath
    if (try? writeCheckpoint()) != nil { return path }
    let spare = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    // Nobody asked for a file there: what is there stays.
    guard spare != path, access(spare, F_OK) != 0, (try? trainer.writeCheckpoint(to: spare)) != nil else { return nil }
    return spare
  }

  private static func remedy(_ path: String) -> String { "to go on, give the same command and --resume \(path)" }
}

extension TrainingError {
  /// With the files it is about in front; errors of data name theirs.
  func naming(_ files: String) -> TrainingError {
    kind == .data ? self : TrainingError(kind, "\(files): \(self)")
  }
}

extension TrainRun.Change {
  init(_ sparse: HESSOSteps, from trained: Model, to small: Model) throws {
    sparse.measuresNorms = true
    sparsity = sparse.sparsity
    figures = sparse.figures
    skipped = sparse.skipped
    before = ModelStatistics(try ModelAnalysis(trained))
    after = ModelStatistics(try ModelAnalysis(small))
  }
}
