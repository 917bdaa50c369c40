import IR
import Runtime

/// A model in a training loop of the caller's own: forward, backward, step.
///
/// ```swift
/// let student = try TrainableModel(model, rule: SGD(momentum: 0.9))
/// while let batch = try batches.next() {
///   let loss = try student.backward(.crossEntropy, batch.tensors)
///   student.step(rate: 0.1)
/// }
/// let trained = student.trainedModel()
/// ```
///
/// A loss of the caller's own is computed of what ``forward(_:)`` returns; ``backward(from:)`` takes its gradients. For
/// runs by settings, with a teacher or checkpoints, there is ``Trainer``.
///
/// A program is compiled for every set of input shapes on first use, and kept. One thread at a time.
public final class TrainableModel {
  /// The values being trained.
  public let parameters: Parameters
  /// The model that is trained: functions are written out, and vectors that several nodes read are their own.
  public let model: Model
  let optimizer: Optimizer
  private let options: RuntimeOptions
  private let normalizesByBatch: Bool
  private let seed: Int
  private let outputs: [ValueID]
  private var programs: [ProgramKey: Compiled] = [:]
  private var current: TrainingProgram?
  /// Outputs whose gradients ``backward(from:)`` waits for.
  private var pending: [Tensor]?
  /// Of the last backward run, where it is known.
  private var lastLoss: Double?
  private var runs = 0

  private struct ProgramKey: Hashable {
    let loss: Loss?
    let shapes: [String: [Int]]
  }

  private struct Compiled {
    let program: TrainingProgram
    let labelInput: String?
  }

  /// - Parameters:
  ///   - rule: how a step changes values by their gradients.
  ///   - normalizesByBatch: whether batch normalization takes its statistics from the batch, and follows it.
  ///   - seed: where dropout draws from.
  ///   - isTrained: whether a parameter of this name is trained; by default, what `Parameters` says.
  /// - Throws: where a setting of the rule cannot be meant, nothing is left to train, or an initializer cannot be held
  ///   in memory.
  public init(
    _ original: Model, rule: some UpdateRule, normalizesByBatch: Bool = true, seed: Int = 0,
    options: RuntimeOptions = RuntimeOptions(), where isTrained: ((String) -> Bool)? = nil
  ) throws(TrainingError) {
    try rule.check()
    do throws(RuntimeError) {
      model = try original.inliningFunctions().unsharingVectors()
      parameters = try Parameters(of: model, where: isTrained)
    } catch {
      throw TrainingError(error)
    }
    guard !parameters.trained.isEmpty else { throw TrainingError(.settings, "the model has no parameters to train") }
    optimizer = Optimizer(rule, parameters: parameters, workers: options.workers)
    self.options = options
    self.normalizesByBatch = normalizesByBatch
    self.seed = seed
    outputs = model.graph.outputs.filter { Self.isFloatingPoint($0) }.map(\.value)
  }

  private static func isFloatingPoint(_ output: ValueInfo) -> Bool {
    output.type?.tensor?.elementType.flatMap(DataType.init(rawValue:))?.isFloatingPoint ?? true
  }

  /// Steps made so far.
  public private(set) var steps = 0

  // MARK: A loss that is built in

  /// Runs the model forward, the loss, and backward.
  /// - Parameters:
  ///   - batch: by input name, and labels or targets as ``Loss/labelField``.
  ///   - tries: whether the loss may be no finite number, as weights are only tried out, see ``StepShaper/tries``.
  /// - Returns: the loss. Gradients stay where they are until the next run.
  /// - Throws: where the batch does not fit the model or the loss, or the loss is no longer a number.
  public func backward(
    _ loss: Loss, _ batch: [String: Tensor], tries: Bool = false
  ) throws(TrainingError) -> Double {
    guard loss.distillation == nil else {
      throw TrainingError(.settings, "a loss with a teacher needs a Trainer, which runs the teacher")
    }
    guard let labels = batch[Loss.labelField] else {
      throw TrainingError(.data, "the batch has no \(Loss.labelField); add a class or a target a sample")
    }
    guard let converted = labels.converted(to: loss.labelType) else {
      throw TrainingError(.data, "\(Loss.labelField) is \(labels.dataType), the loss takes \(loss.labelType)")
    }
    let key = ProgramKey(loss: loss, shapes: batch.mapValues(\.shape))
    let compiled = try compiled(key, labels: labels.shape)
    var tensors = batch
    if let name = compiled.labelInput { tensors[name] = converted }
    forget()
    let value: Double
    do throws(RuntimeError) { value = try compiled.program.run(tensors, step: draw()).loss } catch {
      throw TrainingError(error)
    }
    guard value.isFinite || tries else { throw .diverged(loss: value, "after \(steps) steps") }
    current = compiled.program
    lastLoss = value
    return value
  }

  /// - Parameter labels: their shape, where the key has a loss.
  private func compiled(_ key: ProgramKey, labels: [Int] = []) throws(TrainingError) -> Compiled {
    if let known = programs[key] { return known }
    let made: Compiled
    if let loss = key.loss {
      let axis = try Trainer.classAxis(model, loss, key.shapes, labels, source: "the batch")
      let graph = try LossGraph(model, loss, classAxis: axis.axis)
      let program = try program(graph.model, .loss(graph.loss), key.shapes)
      made = Compiled(program: program, labelInput: graph.labelInput)
    } else {
      made = Compiled(program: try program(model, .outside(outputs), key.shapes), labelInput: nil)
    }
    programs[key] = made
    return made
  }

  private func program(
    _ model: Model, _ objective: TrainingProgram.Objective, _ shapes: [String: [Int]]
  ) throws(TrainingError) -> TrainingProgram {
    do throws(RuntimeError) {
      return try TrainingProgram(
        model, minimizing: objective, parameters: parameters, inputShapes: shapes,
        normalizesByBatch: normalizesByBatch, options: options)
    } catch {
      throw TrainingError(error)
    }
  }

  private func forget() {
    current = nil
    pending = nil
    lastLoss = nil
  }

  /// A number of its own for every run: dropout draws anew.
  private func draw() -> Int {
    runs += 1
    return seed &* 0x9e37_79b9 &+ runs
  }

  // MARK: A loss of one's own

  /// Runs the model as it runs in training, and keeps what backward needs.
  /// - Parameter batch: by input name; what the model has no input for is left out.
  /// - Returns: the floating-point outputs by name.
  public func forward(_ batch: [String: Tensor]) throws(TrainingError) -> [String: Tensor] {
    let key = ProgramKey(loss: nil, shapes: batch.mapValues(\.shape))
    let compiled = try compiled(key)
    forget()
    let results: [Tensor]
    do throws(RuntimeError) { results = try compiled.program.forward(batch, step: draw()) } catch {
      throw TrainingError(error)
    }
    current = compiled.program
    pending = results
    return Dictionary(zip(outputs.map { model.name(of: $0) }, results)) { first, _ in first }
  }

  /// Computes the gradients of a loss of the caller's own.
  /// - Parameter gradients: of the loss with respect to outputs of the last ``forward(_:)``, by name, in their shapes;
  ///   an output that is left out does not matter to the loss.
  public func backward(from gradients: [String: Tensor]) throws(TrainingError) {
    guard let program = current, let results = pending else {
      throw TrainingError(.settings, "gradients are given without a forward run before them")
    }
    let names = outputs.map { model.name(of: $0) }
    if let stray = gradients.keys.sorted().first(where: { !names.contains($0) }) {
      throw TrainingError(
        .settings, "a gradient is given for \(stray); the outputs are \(names.joined(separator: ", "))")
    }
    let seeds = zip(names, results).map { name, result in
      gradients[name]
        ?? Tensor(floats: [Float](repeating: 0, count: result.elementCount), shape: result.shape)
    }
    pending = nil
    do throws(RuntimeError) { try program.backward(from: seeds) } catch {
      current = nil
      throw TrainingError(error)
    }
  }

  // MARK: What comes of it

  /// The gradient of a parameter as the last backward run left it; empty where there was none, or the loss does not
  /// depend on the parameter. What is written there is what ``step(rate:largestNorm:)`` takes.
  public func withGradient<Result, Failure: Error>(
    of parameter: Parameter, _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let current, pending == nil else {
      return try body(UnsafeMutableBufferPointer(start: nil, count: 0))
    }
    return try current.withGradient(of: parameter, body)
  }

  /// Keeps the gradients of the last backward run for a step by the mean of several.
  public func accumulate() {
    guard let current, pending == nil else { return }
    optimizer.collect(current)
  }

  /// Forgets what was accumulated, as where a batch failed and its step is to be made anew.
  public func discardAccumulated() { optimizer.discard() }

  /// Changes the parameters by the gradients of the last backward run, or the mean of those that were accumulated.
  /// Nothing happens where there are none.
  /// - Parameters:
  ///   - rate: the learning rate.
  ///   - largestNorm: the norm all gradients together are scaled down to where theirs is larger.
  /// - Returns: the norm of all gradients before clipping, where it was asked for.
  @discardableResult
  public func step(rate: Double, largestNorm: Double? = nil) -> Double? {
    guard optimizer.collected > 0 || (current != nil && pending == nil) else { return nil }
    steps += 1
    return optimizer.step(current, rate: rate, largestNorm: largestNorm)
  }

  /// The same by one who does more with the parameters than the optimizer does.
  /// - Parameter loss: that of the batches, where it is one of the caller's own; of others it is known.
  /// - Throws: what the shaper does.
  @discardableResult
  public func step(
    by shaper: any StepShaper, rate: Double, largestNorm: Double? = nil, loss: Double? = nil
  ) throws(TrainingError) -> Double? {
    guard optimizer.collected > 0 || (current != nil && pending == nil) else { return nil }
    steps += 1
    return try shaper.step(optimizer, by: current, loss: loss ?? lastLoss, rate: rate, largestNorm: largestNorm)
  }

  /// The model with the values trained so far, in the types it stores them in.
  public func trainedModel() -> Model {
    var trained = model
    parameters.write(into: &trained)
    return trained
  }
}
