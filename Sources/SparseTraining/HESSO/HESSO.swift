import Analysis
import IR
import Pruning
import Runtime
import Training

/// HESSO in a training loop of the caller's own: train as usual, and the model that comes out is the smaller one.
///
/// ```swift
/// let optimizer = try HESSO(
///   model, target: .groupSparsity(0.7), base: .sgd(learningRate: 0.1, momentum: 0.9), totalSteps: 5_000)
/// while let batch = try batches.next() {
///   let loss = try optimizer.backward(.crossEntropy, batch.tensors)
///   try optimizer.step()
/// }
/// let small = try optimizer.construct()
/// ```
///
/// See ``HESSOSteps`` for what it does, and for runs by settings.
public final class HESSO {
  /// What is around: an optimizer with its learning rate.
  public struct Base: Sendable {
    public let rule: any UpdateRule
    public let learningRate: Double

    public init(_ rule: any UpdateRule, learningRate: Double) {
      self.rule = rule
      self.learningRate = learningRate
    }

    public static func sgd(learningRate: Double, momentum: Float = 0, weightDecay: Float = 0) -> Base {
      Base(SGD(momentum: momentum, weightDecay: weightDecay), learningRate: learningRate)
    }

    public static func adam(learningRate: Double, weightDecay: Float = 0) -> Base {
      Base(Adam(weightDecay: weightDecay), learningRate: learningRate)
    }

    public static func adamW(learningRate: Double, weightDecay: Float = 0.01) -> Base {
      Base(AdamW(weightDecay: weightDecay), learningRate: learningRate)
    }
  }

  /// The model in training, for losses of the caller's own and for its weights.
  public let model: TrainableModel
  private let steps: HESSOSteps
  private let base: Base
  private let schedule: Schedule
  private let totalSteps: Int

  /// - Parameters:
  ///   - base: the optimizer; its learning rate goes by `schedule`.
  ///   - totalSteps: how many steps will be made.
  ///   - options: which groups may lose units.
  ///   - inputShapes: of inputs whose sizes the model leaves open, for which MACs are counted.
  /// - Throws: where the target cannot be reached, the steps do not fit, or nothing of the model may go.
  public init(
    _ model: Model, target: SparsityTarget, base: Base, totalSteps: Int, schedule: Schedule = Schedule(),
    settings: HESSOSettings = HESSOSettings(), candidates options: SelectionOptions = SelectionOptions(ratio: 0.5),
    inputShapes: InputShapes = .none, normalizesByBatch: Bool = true, seed: Int = 0,
    runtime: RuntimeOptions = RuntimeOptions()
  ) throws {
    guard base.learningRate.isFinite, base.learningRate >= 0 else {
      throw TrainingError(.settings, "the learning rate \(base.learningRate) must be at least 0")
    }
    self.model = try Self.trainable(
      model, base.rule, normalizesByBatch: normalizesByBatch, seed: seed, options: runtime)
    self.base = base
    self.schedule = schedule
    self.totalSteps = totalSteps
    steps = try HESSOSteps(
      self.model.model, self.model.parameters, target: target, totalSteps: totalSteps, settings: settings,
      candidates: options, inputShapes: inputShapes, workers: runtime.workers)
  }

  private static func trainable(
    _ model: Model, _ rule: some UpdateRule, normalizesByBatch: Bool, seed: Int, options: RuntimeOptions
  ) throws(TrainingError) -> TrainableModel {
    try TrainableModel(model, rule: rule, normalizesByBatch: normalizesByBatch, seed: seed, options: options)
  }

  /// Runs the model forward, the loss, and backward; see ``TrainableModel/backward(_:_:)``.
  public func backward(_ loss: Loss, _ batch: [String: Tensor]) throws(TrainingError) -> Double {
    try model.backward(loss, batch, tries: steps.tries)
  }

  /// Makes a step by the gradients of the last backward run.
  /// - Parameter loss: that of the batch, where it is one of the caller's own and there is a corrective cycle.
  public func step(loss: Double? = nil) throws(TrainingError) {
    let rate = base.learningRate * schedule.factor(step: steps.step, of: totalSteps)
    try model.step(by: steps, rate: rate, loss: loss)
  }

  /// The share of units that are zero for good.
  public var sparsity: Double { steps.sparsity }

  /// What saliency was made of when it was last measured, by unit.
  public var terms: SaliencyTerms { steps.terms }

  /// The norms of the units that are on their way to zero and of those that stay; a look at all weights.
  public var norms: (redundant: Double, important: Double) { steps.norms }

  /// Groups that cannot be trained away, and why.
  public var skipped: [(label: String, reason: String)] { steps.skipped }

  /// The trained model without the units that are zero: fewer channels, equal outputs.
  /// - Throws: before the last channel is gone, and where the model cannot be written smaller.
  public func construct() throws(TrainingError) -> Model { try steps.construct(model.trainedModel()) }
}
