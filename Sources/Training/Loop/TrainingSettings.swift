/// How a model is trained.
public struct TrainingSettings: Sendable {
  public enum Duration: Sendable, Equatable {
    case epochs(Int)
    case steps(Int)
  }

  public var loss: Loss
  public var rule: any UpdateRule
  public var learningRate: Double
  public var schedule: Schedule
  /// Samples of a batch.
  public var batch: Int
  /// Batches whose mean gradient makes a step.
  public var accumulation: Int
  public var duration: Duration
  /// The norm gradients are scaled down to.
  public var largestNorm: Double?
  /// Where the order of samples and dropout come from.
  public var seed: UInt64
  /// Whether batch normalization takes its statistics from the batch.
  public var normalizesByBatch: Bool

  public init(
    loss: Loss, rule: any UpdateRule, learningRate: Double, schedule: Schedule = Schedule(), batch: Int,
    accumulation: Int = 1, duration: Duration, largestNorm: Double? = nil, seed: UInt64 = 0,
    normalizesByBatch: Bool = true
  ) {
    self.loss = loss
    self.rule = rule
    self.learningRate = learningRate
    self.schedule = schedule
    self.batch = batch
    self.accumulation = accumulation
    self.duration = duration
    self.largestNorm = largestNorm
    self.seed = seed
    self.normalizesByBatch = normalizesByBatch
  }

  /// What must be the same for a run to be taken up again.
  var identity: String {
    "\(loss) \(rule.description) \(learningRate) \(schedule) \(batch) \(accumulation) \(duration) "
      + "\(largestNorm.map { "\($0)" } ?? "-") \(seed) \(normalizesByBatch)"
  }
}
