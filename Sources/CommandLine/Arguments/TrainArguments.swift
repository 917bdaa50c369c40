import ArgumentParser
import Coppice
import DataSources
import Training

/// How a model is trained.
struct TrainSettingsArguments: ParsableArguments {
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }
  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, step, cosine, linear }

  @OptionGroup var loss: LossArguments
  @Option(help: "Probability spread over all classes.") var labelSmoothing: Float = 0
  @Option(help: "The optimizer.") var optimizer: OptimizerName = .sgd
  @Option(name: .customLong("lr"), help: "The learning rate.") var learningRate: Double
  @Option(help: "Momentum, for sgd.") var momentum: Float = 0
  @Flag(help: "Nesterov's momentum, for sgd.") var nesterov = false
  @Option(help: "Weight decay.") var weightDecay: Float?
  @Option(help: "How the learning rate goes over the steps.") var schedule: ScheduleName = .constant
  @Option(help: "Steps over which the learning rate first grows.") var warmUpSteps = 0
  @Option(help: "Samples of a batch.") var batch = 32
  @Option(help: "Batches whose mean gradient makes a step.") var accumulate = 1
  @Option(help: "How often to go through the data.") var epochs: Int?
  @Option(help: "How many steps to make, instead of --epochs.") var steps: Int?
  @Option(help: ArgumentHelp("Scale gradients down to this norm.", valueName: "norm")) var clipNorm: Double?
  @Option(
    help: ArgumentHelp("A model whose outputs are to be followed.", valueName: "path"),
    completion: .file(extensions: ["onnx"]))
  var teacher: String?
  @Option(help: "The temperature of the teacher's and the student's classes.") var temperature: Float = 4
  @Option(help: "The teacher's share of the loss; the labels have the rest.") var teacherShare: Float = 0.5
  @Flag(help: "Batch normalization keeps its running statistics.") var freezeStatistics = false
  @Option(help: "Where the order of samples and dropout come from.") var seed: UInt64 = 0

  func validate() throws {
    guard (epochs == nil) != (steps == nil) else { throw ValidationError("give either --epochs or --steps") }
    for (name, value) in [
      ("--batch", batch), ("--accumulate", accumulate), ("--epochs", epochs ?? 1), ("--steps", steps ?? 1),
    ] where value < 1 { throw ValidationError("\(name) must be at least 1") }
    guard learningRate.isFinite, learningRate >= 0 else { throw ValidationError("--lr must not be negative") }
    guard (0..<1).contains(labelSmoothing) else { throw ValidationError("--label-smoothing must be from 0 up to 1") }
    guard (0...1).contains(teacherShare) else { throw ValidationError("--teacher-share must be from 0 to 1") }
    guard temperature > 0 else { throw ValidationError("--temperature must be above 0") }
    if nesterov, momentum == 0 { throw ValidationError("--nesterov needs --momentum") }
    if let clipNorm, !(clipNorm > 0) { throw ValidationError("--clip-norm must be above 0") }
    if warmUpSteps < 0 { throw ValidationError("--warm-up-steps must not be negative") }
  }

  func parsed() throws -> TrainingSettings {
    var loss = loss.loss(labelSmoothing: labelSmoothing)
    if teacher != nil { loss.distillation = Loss.Distillation(temperature: temperature, share: teacherShare) }
    return TrainingSettings(
      loss: loss, rule: rule, learningRate: learningRate, schedule: Schedule(shape, warmUpSteps: warmUpSteps),
      batch: batch, accumulation: accumulate, duration: steps.map { .steps($0) } ?? .epochs(epochs ?? 1),
      largestNorm: clipNorm, seed: seed, normalizesByBatch: !freezeStatistics)
  }

  private var rule: any UpdateRule {
    switch optimizer {
    case .sgd: SGD(momentum: momentum, isNesterov: nesterov, weightDecay: weightDecay ?? 0)
    case .adam: Adam(weightDecay: weightDecay ?? 0)
    case .adamw: AdamW(weightDecay: weightDecay ?? 0.01)
    }
  }

  private var shape: Schedule.Shape {
    switch schedule {
    case .constant: .constant
    case .step: .step()
    case .cosine: .cosine
    case .linear: .linear
    }
  }
}

/// What training reads and writes.
struct TrainFileArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Inputs and labels.", valueName: "path"), completion: .file()) var data: String
  @Option(
    help: ArgumentHelp("Inputs and labels to measure the model on after every epoch.", valueName: "path"),
    completion: .file())
  var validation: String?
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the trained model goes.", valueName: "path"),
    completion: .file(extensions: ["onnx"]))
  var output: String
  @Flag(help: "Replace the output if it exists.") var force = false
  @Option(help: ArgumentHelp("Write a line of JSON a step there.", valueName: "path"), completion: .file())
  var log: String?
  @Option(
    help: ArgumentHelp(
      "Where checkpoints go; beside the output, with .checkpoint at the end, by default.", valueName: "path"),
    completion: .file())
  var checkpoint: String?
  @Option(help: "Steps between checkpoints; only when interrupted by default.") var checkpointEvery: Int?
  @Option(help: ArgumentHelp("Go on from a checkpoint.", valueName: "checkpoint"), completion: .file())
  var resume: String?

  func validate() throws {
    guard output != "-" else { throw ValidationError("a model cannot go to standard output; give -o a path") }
    if let checkpointEvery, checkpointEvery < 1 { throw ValidationError("--checkpoint-every must be at least 1") }
  }

  var checkpointPath: String { checkpoint ?? "\(output).checkpoint" }

  /// Refuses early what could not be written in the end, or would replace what is read.
  func refuse(reading inputs: [String]) throws {
    let places = [output, checkpointPath] + (log.map { [$0] } ?? [])
    guard Set(places).count == places.count else {
      throw Failure.usage("the output, the log and the checkpoint need a file each")
    }
    let read = inputs + (resume.map { [$0] } ?? [])
    try OutputPlace.refuse(output, force: force, reading: read)
    // What a run goes on from may be replaced by its next checkpoint, and its log goes on.
    try OutputPlace.refuse(checkpointPath, force: true, reading: inputs)
    if let log {
      try OutputPlace.refuse(log, force: force || resume != nil || !OutputPlace.isFile(log), reading: read)
    }
  }
}

/// What is done with the data, and which of them validate.
struct TrainDataArguments: ParsableArguments {
  @OptionGroup var data: DataArguments
  @Option(help: DataSetting.help("augment")) var augment: String?
  @Option(
    help: ArgumentHelp(
      "The share of the data that validates instead of --validation, drawn by --seed.", valueName: "share"))
  var validationShare: Double?

  func validate() throws {
    if let validationShare, !(validationShare > 0 && validationShare < 1) {
      throw ValidationError("--validation-share must be between 0 and 1")
    }
  }

  /// The files that are read: those given, and those that files of settings name.
  func paths(_ files: TrainFileArguments) throws -> [String] {
    try [files.data, files.validation].compactMap { $0 }.flatMap { path in
      let specification = try data.specification(path)
      return [path, specification.path] + [specification.labels].compactMap { $0 }
    }
  }

  /// - Returns: what to train with and what to validate with, and a text that differs where the former does.
  func open(
    _ files: TrainFileArguments, seed: UInt64
  ) throws -> (training: any Dataset, validation: (any Dataset)?, identity: String) {
    let specification = try data.specification(files.data, augment: augment, seed: seed)
    let whole = try specification.open()
    let identity = "\(specification.identity) \(validationShare ?? 0)"
    guard let validationShare else { return (whole, try files.validation.map { try data.open($0) }, identity) }
    guard files.validation == nil else {
      throw Failure.usage("give either --validation or --validation-share, not both")
    }
    let split = try SampleSplit(count: whole.count, validationShare: validationShare, seed: seed)
    guard !split.validation.isEmpty else {
      throw Failure.usage("\(files.data): holds too few samples to validate with some of them")
    }
    let validation = DatasetPart(whole.withoutAugmentation, samples: split.validation)
    return (DatasetPart(whole, samples: split.training), validation, identity)
  }
}
