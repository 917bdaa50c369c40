import ArgumentParser
import Coppice
import DataSources
import Training

/// How a model is trained.
struct TrainSettingsArguments: ParsableArguments {
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw, hesso }
  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, step, cosine, linear }

  @OptionGroup var loss: LossArguments
  @Option(help: "Probability spread over all classes, for cross-entropy; 0 by default.") var labelSmoothing: Float?
  @Option(help: "The optimizer; hesso trains channels away.") var optimizer: OptimizerName = .sgd
  @Option(name: .customLong("lr"), help: "The learning rate.") var learningRate: Double
  @Option(help: "Momentum, for sgd; 0 by default.") var momentum: Float?
  @Flag(help: "Nesterov's momentum, for sgd with --momentum.") var nesterov = false
  @Option(help: "Weight decay; 0.01 by default for adamw, else 0.") var weightDecay: Float?
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
  @Option(help: "The temperature of the teacher's and the student's classes; 4 by default.") var temperature: Float?
  @Option(help: "The teacher's share of the loss, 0.5 by default; the labels have the rest.") var teacherShare: Float?
  @Flag(help: "Batch normalization keeps its running statistics.") var freezeStatistics = false
  @Option(help: "Where the order of samples and dropout come from.") var seed: UInt64 = 0
  @OptionGroup(title: "Options of --optimizer hesso") var sparse: SparseTrainingArguments

  func validate() throws {
    guard (epochs == nil) != (steps == nil) else { throw ValidationError("give either --epochs or --steps") }
    for (name, value) in [
      ("--batch", batch), ("--accumulate", accumulate), ("--epochs", epochs ?? 1), ("--steps", steps ?? 1),
    ] where value < 1 { throw ValidationError("\(name) must be at least 1") }
    guard learningRate.isFinite, learningRate >= 0 else { throw ValidationError("--lr must not be negative") }
    if let labelSmoothing, !(0..<1).contains(labelSmoothing) {
      throw ValidationError("--label-smoothing must be from 0 up to 1")
    }
    if let teacherShare, !(0...1).contains(teacherShare) {
      throw ValidationError("--teacher-share must be from 0 to 1")
    }
    if let temperature, !(temperature > 0) { throw ValidationError("--temperature must be above 0") }
    if let clipNorm, !(clipNorm > 0) { throw ValidationError("--clip-norm must be above 0") }
    if warmUpSteps < 0 { throw ValidationError("--warm-up-steps must not be negative") }
    try refuseUnused()
    if optimizer == .hesso { _ = try sparse.target() }
  }

  /// Refuses options that would change nothing with the others as they are.
  private func refuseUnused() throws {
    let name: LossArguments.Name = loss.loss
    let hasMomentum = base == .sgd && (momentum ?? 0) > 0
    let sgd = optimizer == .hesso ? "--base sgd" : "--optimizer sgd"
    let options: [(name: String, isGiven: Bool, isUsed: Bool, need: String)] =
      sparse.given.map { ($0.name, $0.isGiven, optimizer == .hesso, "--optimizer hesso") } + [
        ("--label-smoothing", labelSmoothing != nil, name == .crossEntropy, "--loss cross-entropy"),
        ("--momentum", momentum != nil, base == .sgd, sgd),
        ("--nesterov", nesterov, hasMomentum, "\(sgd) and a --momentum above 0"),
        ("--temperature", temperature != nil, teacher != nil, "--teacher"),
        ("--teacher-share", teacherShare != nil, teacher != nil, "--teacher"),
      ]
    for option in options where option.isGiven && !option.isUsed {
      throw ValidationError("\(option.name) changes nothing without \(option.need)")
    }
  }

  /// - Throws: where a number cannot be meant.
  func parsed() throws -> TrainingSettings {
    var loss = loss.loss(labelSmoothing: labelSmoothing ?? 0)
    if teacher != nil {
      var distillation = Loss.Distillation()
      if let temperature { distillation.temperature = temperature }
      if let teacherShare { distillation.share = teacherShare }
      loss.distillation = distillation
    }
    let settings = TrainingSettings(
      loss: loss, rule: rule, learningRate: learningRate, schedule: Schedule(shape, warmUpSteps: warmUpSteps),
      batch: batch, accumulation: accumulate, duration: steps.map { .steps($0) } ?? .epochs(epochs ?? 1),
      largestNorm: clipNorm, seed: seed, normalizesByBatch: !freezeStatistics)
    try settings.check()
    return settings
  }

  /// What makes the steps.
  private var base: SparseTrainingArguments.BaseName {
    switch optimizer {
    case .sgd: .sgd
    case .adam: .adam
    case .adamw: .adamw
    case .hesso: sparse.base ?? .sgd
    }
  }

  private var rule: any UpdateRule {
    switch base {
    case .sgd: SGD(momentum: momentum ?? 0, isNesterov: nesterov, weightDecay: weightDecay ?? 0)
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
  @Option(help: "Steps between checkpoints; only where a run is cut short by default.") var checkpointEvery: Int?
  @Option(help: ArgumentHelp("Go on from a checkpoint.", valueName: "checkpoint"), completion: .file())
  var resume: String?

  func validate() throws {
    guard output != "-" else { throw ValidationError("a model cannot go to standard output; give -o a path") }
    if let checkpointEvery, checkpointEvery < 1 { throw ValidationError("--checkpoint-every must be at least 1") }
  }

  var checkpointPath: String { checkpoint ?? "\(output).checkpoint" }

  /// Refuses early what could not be written in the end, or would replace what is read.
  /// - Parameters:
  ///   - inputs: files and folders that are read.
  ///   - models: models that are read, some of which may have their tensors in other files.
  ///   - others: models that are written besides.
  func refuse(reading inputs: [String], models: [Model], beside others: [String]) throws {
    let written = [output] + others
    let places = (written.flatMap { [$0, "\($0).data"] } + [checkpointPath] + (log.map { [$0] } ?? []))
      .map(OutputPlace.resolved)
    guard Set(places).count == places.count else {
      throw Failure.usage("the outputs, the log and the checkpoint need a file each")
    }
    let read = inputs + (resume.map { [$0] } ?? [])
    for path in written {
      try OutputPlace.refuse(path, force: force, reading: read, models: models)
      try OutputPlace.refuseInput("\(path).data", reading: read, models: models)
    }
    // What a run goes on from may be replaced by its next checkpoint, and its log goes on.
    let goesOn = resume.map { OutputPlace.resolved($0) == OutputPlace.resolved(checkpointPath) } ?? false
    do {
      try OutputPlace.refuse(checkpointPath, force: force || goesOn, reading: inputs, models: models)
    } catch OutputError.exists(let path) {
      throw Failure.usage(
        "\(path): exists already; give --resume \(path) to go on from it, or --force to replace it")
    }
    if let log {
      let mayGoOn = force || resume != nil || !OutputPlace.isFile(log)
      try OutputPlace.refuse(log, force: mayGoOn, reading: read, models: models)
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
  @Option(
    help: ArgumentHelp("The file of the labels of --validation, for IDX.", valueName: "path"), completion: .file())
  var validationLabels: String?

  func validate() throws {
    if let validationShare, !(validationShare > 0 && validationShare < 1) {
      throw ValidationError("--validation-share must be between 0 and 1")
    }
  }

  /// The files that are read: those given, and those that files of settings name.
  func paths(_ files: TrainFileArguments) throws -> [String] {
    let given = [(files.data, data.labels)] + (files.validation.map { [($0, validationLabels)] } ?? [])
    return try given.flatMap { path, labels -> [String] in
      let specification = try data.specification(path, labels: labels)
      let labelFile = specification.labels ?? IDXFile.labels(forImages: specification.path)
      return [path, specification.path] + (labelFile.map { [$0] } ?? [])
    }
  }

  /// - Parameter needsLabels: whether there is more to follow than a teacher.
  /// - Returns: what to train with and what to validate with.
  func open(
    _ files: TrainFileArguments, seed: UInt64, needsLabels: Bool
  ) throws -> (training: any Dataset, validation: (any Dataset)?) {
    if validationLabels != nil, files.validation == nil {
      throw Failure.usage("--validation-labels needs --validation, whose labels they are")
    }
    let specification = try data.specification(files.data, labels: data.labels, augment: augment, seed: seed)
    let whole = needsLabels ? try specification.openLabelled() : try specification.open()
    guard let validationShare else {
      let validation = try files.validation.map { path in
        try data.specification(path, labels: validationLabels).openLabelled(by: "--validation-labels")
      }
      return (whole, validation)
    }
    guard files.validation == nil else {
      throw Failure.usage("give either --validation or --validation-share, not both")
    }
    let split = try SampleSplit(count: whole.count, validationShare: validationShare, seed: seed)
    guard !split.validation.isEmpty else {
      throw Failure.usage("\(files.data): holds too few samples to validate with some of them")
    }
    guard whole.field(labelField) != nil else {
      throw Failure.usage("--validation-share needs labels, and \(files.data) has none")
    }
    let validation = DatasetPart(whole.withoutAugmentation, samples: split.validation)
    return (DatasetPart(whole, samples: split.training), validation)
  }
}
