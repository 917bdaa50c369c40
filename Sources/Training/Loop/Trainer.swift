import DataSources
import IR
import Runtime

/// Trains a model: one call a step, so that the caller decides what happens in between.
///
/// ```swift
/// let trainer = try Trainer(model, data: data, settings: settings)
/// while !trainer.isFinished { print(try trainer.next().loss) }
/// let trained = trainer.trainedModel()
/// ```
public final class Trainer {
  /// What a step did.
  public struct Step: Sendable {
    /// From 1 on.
    public let number: Int
    /// From 0 on.
    public let epoch: Int
    public let loss: Double
    /// Not where all labels are ignored and no teacher is followed: the loss is then 0 and belongs in no mean.
    public let hasLoss: Bool
    /// Whether weights come back as they were before it: the step only tried something.
    public let isTrial: Bool
    /// The share of rows whose label has the largest output; `nil` where there are no classes.
    public let top1: Double?
    public let learningRate: Double
    /// Of all gradients, before clipping; where clipping is asked for.
    public let gradientNorm: Double?
    public let samples: Int
    /// What ``Trainer/shaper`` tells of it.
    public let figures: [(name: String, value: Double)]
  }

  public let settings: TrainingSettings
  public let totalSteps: Int
  public let memory: MemoryReport
  /// The values being trained.
  public let parameters: Parameters
  let optimizer: Optimizer
  /// What is done with the parameters besides; to be set before the first step.
  public var shaper: (any StepShaper)?
  private let ownIdentity: String
  /// Steps made so far.
  public internal(set) var step = 0
  /// Of a single sample, or of as many as the model takes at once, by input name.
  public let inputShapes: [String: [Int]]
  private let isSingle: Bool
  /// The model that is trained: functions are written out, and vectors that several nodes read are their own.
  public let model: Model
  private let graph: LossGraph
  let program: TrainingProgram
  let queue: BatchQueue
  private let teacher: Teacher?

  /// - Parameters:
  ///   - teacher: the model whose outputs are followed, where the loss distils, and only there.
  ///   - digest: of the model and whatever else a checkpoint must belong to.
  ///   - isTrained: whether a parameter of this name is trained; by default, what `Parameters` says.
  /// - Throws: where data do not fit the model or hold what is no number or class, or the model cannot be trained.
  public init(
    _ original: Model, data: any Dataset, teacher: Model? = nil, settings: TrainingSettings, digest: String = "",
    options: RuntimeOptions = RuntimeOptions(), where isTrained: ((String) -> Bool)? = nil
  ) throws(TrainingError) {
    try settings.check()
    self.settings = settings
    isSingle = options.precision == .single
    do throws(RuntimeError) { model = try original.inliningFunctions().unsharingVectors() } catch {
      throw TrainingError(error)
    }
    let data = try UnlabelledDataset.completing(data, for: model, settings.loss)
    let fit = try DataFit(model, data, settings.loss)
    try Self.checkBatch(fit, settings.batch)
    queue = try BatchQueue(fit, size: settings.batch, seed: settings.seed)
    totalSteps = try settings.steps(batchesPerEpoch: queue.batchesPerEpoch)
    inputShapes = fit.shapes(batch: fit.fixedBatch ?? 1).inputs
    var (shapes, labels) = fit.shapes(batch: queue.batchSize)
    let axis = try Self.classAxis(model, settings.loss, shapes, labels, source: data.source)
    try fit.check(
      model, output: axis.output, batch: queue.batchSize, needsLabels: settings.loss.distillation == nil)
    graph = try LossGraph(model, settings.loss, classAxis: axis.axis)
    self.teacher = try Self.teacher(teacher, graph, fit, batch: queue.batchSize, shape: axis.output, options)
    shapes[graph.labelInput] = labels
    if let name = graph.teacherInput { shapes[name] = axis.output }
    do throws(RuntimeError) {
      parameters = try Parameters(of: model, precision: options.precision, where: isTrained)
      program = try TrainingProgram(
        graph.model, minimizing: .loss(graph.loss), parameters: parameters, inputShapes: shapes,
        outputs: [graph.output], normalizesByBatch: settings.normalizesByBatch, options: options)
    } catch {
      throw TrainingError(error)
    }
    guard !parameters.trained.isEmpty else { throw TrainingError(.settings, "the model has no parameters to train") }
    memory = program.memory
    ownIdentity = Self.identity(digest, data: try fit.digest(), settings, teacher: teacher, parameters)
    optimizer = Self.optimizer(settings.rule, parameters, options)
  }

  private static func optimizer(
    _ rule: some UpdateRule, _ parameters: Parameters, _ options: RuntimeOptions
  ) -> Optimizer { Optimizer(rule, parameters: parameters, workers: options.workers) }

  /// Differs where a checkpoint of one run must not be taken up by another.
  private static func identity(
    _ digest: String, data: String, _ settings: TrainingSettings, teacher: Model?, _ parameters: Parameters
  ) -> String {
    var trained = Fingerprint()
    for parameter in parameters.trained { trained.add(parameter.name) }
    let taught = teacher.map { Fingerprint(of: $0).text } ?? "-"
    return "\(digest) data \(data) \(settings.identity) teacher \(taught) trained \(trained.text)"
  }

  private static func teacher(
    _ model: Model?, _ graph: LossGraph, _ fit: DataFit, batch: Int, shape: [Int], _ options: RuntimeOptions
  ) throws(TrainingError) -> Teacher? {
    switch (model, graph.teacherInput) {
    case (nil, nil): return nil
    case (nil, _): throw TrainingError(.settings, "distillation needs a teacher")
    case (_, nil): throw TrainingError(.settings, "a teacher is given, but the loss does not distil")
    case (let model?, _):
      return try Teacher(model, given: fit, batch: batch, following: graph.outputName, of: shape, options)
    }
  }

  /// - Throws: where the model takes another number of samples at once.
  private static func checkBatch(_ fit: DataFit, _ batch: Int) throws(TrainingError) {
    guard let fixed = fit.fixedBatch else { return }
    guard fit.data.count >= fixed else {
      throw TrainingError(
        .data,
        "\(fit.data.source): holds \(counted(fit.data.count, "sample")), the model takes \(fixed) at once; "
          + "give at least as many")
    }
    guard fixed == batch else {
      throw TrainingError(
        .settings,
        "the model takes exactly \(counted(fixed, "sample")) at once, the batch has \(batch); "
          + "make it \(fixed) (--batch)")
    }
  }

  /// The axis of classes, from the end where it is the last, and the output's shape.
  static func classAxis(
    _ model: Model, _ loss: Loss, _ shapes: [String: [Int]], _ labels: [Int], source: String
  ) throws(TrainingError) -> (axis: Int, output: [Int]) {
    let output = try LossOutput(model, loss, inputShapes: shapes)
    guard let shape = output.shape, !shape.isEmpty else {
      // Where that is because a node cannot be run, the node is what matters.
      try output.nameWhatCannotRun(model, inputShapes: shapes)
      throw TrainingError(.model, "output \(output.name) has a shape that is not known before the model runs")
    }
    if loss.hasClasses {
      let axis = try ClassAxis(output: shape, labels: labels, source: source).axis
      return (axis == shape.count - 1 ? -1 : axis, shape)
    }
    guard shape == labels else {
      throw TrainingError(
        .data, "\(source): targets of shape \(labels) do not fit outputs of shape \(shape); reshape the targets")
    }
    return (-1, shape)
  }

  // MARK: Running

  var identity: String { ownIdentity + (shaper.map { " " + $0.identity } ?? "") }

  public var isFinished: Bool { step >= totalSteps }

  /// The epoch the next step belongs to, from 0 on.
  public var epoch: Int { step * settings.accumulation / queue.batchesPerEpoch }

  /// Samples of a step.
  public var samplesPerStep: Int { queue.batchSize * settings.accumulation }

  /// Makes one step.
  /// - Throws: where the loss is no longer a number, with what may help.
  public func next() throws(TrainingError) -> Step {
    guard isSingle else { throw TrainingError(.settings, "steps are made in single precision only") }
    let number = step
    let isTrial = shaper?.tries == true
    let rate = settings.learningRate * settings.schedule.factor(step: number, of: totalSteps)
    let (loss, top1): (Double?, Double?)
    do throws(TrainingError) { (loss, top1) = try gather(number) } catch {
      // The step is made anew or not at all.
      optimizer.discard()
      throw error
    }
    let norm: Double?
    if let shaper {
      norm = try shaper.step(optimizer, by: program, loss: loss, rate: rate, largestNorm: settings.largestNorm)
    } else {
      norm = optimizer.step(program, rate: rate, largestNorm: settings.largestNorm)
    }
    step += 1
    return Step(
      number: number + 1, epoch: number * settings.accumulation / queue.batchesPerEpoch, loss: loss ?? 0,
      hasLoss: loss != nil, isTrial: isTrial, top1: top1, learningRate: rate, gradientNorm: norm,
      samples: samplesPerStep, figures: shaper?.figures ?? [])
  }

  /// Runs the batches of a step, and leaves their gradients with the program or, of several, with the optimizer.
  /// - Returns: the mean loss of the batches that have one; `nil` where none has.
  private func gather(_ number: Int) throws(TrainingError) -> (loss: Double?, top1: Double?) {
    var metrics = Metrics(settings.loss.kind)
    var losses: [Double] = []
    for part in 0..<settings.accumulation {
      let count = number * settings.accumulation + part
      let batch = try queue.batch(count)
      let result = try run(batch, count)
      let before = metrics.counted
      if let output = result.outputs.first { try metrics.add(output, labels: batch.labels) }
      if teacher != nil || metrics.counted > before { losses.append(result.loss) }
      if settings.accumulation > 1 { optimizer.collect(program) }
    }
    guard !losses.isEmpty else { return (nil, metrics.top1) }
    let loss = losses.reduce(0, +) / Double(losses.count)
    guard loss.isFinite || shaper?.tries == true else { throw .diverged(loss: loss, "at step \(number + 1)") }
    return (loss, metrics.top1)
  }

  func run(_ batch: DataFit.Batch, _ number: Int) throws(TrainingError) -> (loss: Double, outputs: [Tensor]) {
    var tensors = batch.inputs
    do throws(RuntimeError) {
      if let teacher, let name = graph.teacherInput { tensors[name] = try teacher(batch.inputs) }
      tensors[graph.labelInput] = batch.labels
      // Dropout draws by the seed and the number of the batch.
      return try program.run(tensors, step: Int(truncatingIfNeeded: settings.seed &* 0x9e37_79b9) &+ number)
    } catch {
      throw TrainingError(error)
    }
  }

  /// - Throws: where a weight is no number any more, which the loss of the step before cannot show.
  public func checkWeights() throws(TrainingError) {
    for parameter in parameters.all where !parameters.withValues(of: parameter, { $0.allSatisfy(\.isFinite) }) {
      throw .diverged("\(parameter.name) is not finite after step \(step)")
    }
  }

  /// The model with the values trained so far, in the types it stores them in.
  public func trainedModel() -> Model {
    var trained = model
    parameters.write(into: &trained)
    return trained
  }
}
