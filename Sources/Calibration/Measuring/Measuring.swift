import Analysis
import DataSources
import IR
import Kernels
import Pruning
import Runtime
import Training

/// Finds out by running a model what criteria need to know of it.
///
/// ```swift
/// let evidence = try Measuring(model, analysis, data: data).evidence(for: Taylor())
/// let selection = try Selection(analysis: analysis, scoring: Scoring(Taylor()), options: options, evidence: evidence)
/// ```
///
/// Samples are read batch by batch, and what is kept does not grow with their number.
public struct Measuring {
  public struct Options: Sendable {
    /// Samples of a run.
    public var batch = 32
    /// Bytes that second moments of layers' inputs may take at a time; of more, the samples are run several times.
    public var memoryBudget = 1 << 30
    /// What is added to the diagonal of second moments, as a share of its mean; what is usual for the samples by default.
    public var damping: Double?
    /// So many rows of a layer's inputs are looked at that they hold about so many numbers, and their second moments
    /// take about so many multiplications, but at least ``leastRows``.
    public var rowElements = 1 << 21
    public var rowProducts = 1_000_000_000
    public var leastRows = 256
    /// Random directions the diagonal of the Hessian is estimated by.
    public var probes = 8
    /// For estimates that draw at random.
    public var seed: UInt64 = 0
    public var runtime = RuntimeOptions()

    public init() {}
  }

  /// Is told what is done, and how much of how much of it; throws to stop.
  public typealias Progress = (_ work: String, _ done: Int, _ all: Int) throws -> Void

  /// In so many parts the channels of a group go for losses.
  private static let (lossRounds, stepwiseRounds) = (10, 64)

  let model: Model
  let analysis: ModelAnalysis
  let data: CalibrationData?
  let loss: Loss
  let options: Options
  let layers: LinearLayers

  /// - Parameter loss: what gradients are taken of.
  public init(
    _ model: Model, _ analysis: ModelAnalysis, data: CalibrationData?, loss: Loss = .crossEntropy,
    options: Options = Options()
  ) {
    self.model = model
    self.analysis = analysis
    self.data = data
    self.loss = loss
    self.options = options
    layers = LinearLayers(model, analysis)
  }

  /// - Throws: ``TrainingError`` where data are missing or do not fit, or the model cannot be run or differentiated, by
  ///   the node; and what `progress` throws.
  public func evidence(
    for criterion: any Criterion, progress: Progress = { _, _, _ in }
  ) throws -> Evidence {
    var outputs: RecordedOutputs?
    return try evidence(for: criterion, recording: &outputs, progress: progress)
  }

  /// - Parameter outputs: notes what layers make of the samples that are run, where that is what a repair looks at.
  public func evidence(
    for criterion: any Criterion, recording outputs: inout RecordedOutputs?, progress: Progress = { _, _, _ in }
  ) throws -> Evidence {
    try check(criterion)
    guard let data,
      let twin = try Recalibration.twin(
        of: model, on: data, batch: options.batch, runtime: options.runtime, progress)
    else { return try measured(criterion, &outputs, progress) }
    return try Measuring(twin, analysis, data: data, loss: loss, options: options)
      .measured(criterion, &outputs, progress)
  }

  private func measured(
    _ criterion: any Criterion, _ outputs: inout RecordedOutputs?, _ progress: Progress
  ) throws -> Evidence {
    var evidence = Evidence()
    evidence.layers = layers
    // Sets have no order of their own.
    for measurement in criterion.measurements.sorted(by: { "\($0)" < "\($1)" }) {
      switch measurement {
      case .gradients, .squaredGradients, .gradientFlow, .hessianDiagonal, .synapticFlow:
        evidence.elements[measurement] = try elements(measurement, progress)
      case .inputStatistics: evidence.inputs = try inputStatistics(progress)
      case .removalLosses: evidence.removalLosses = try removalLosses(rounds: Self.lossRounds, &outputs, progress)
      case .stepwiseLosses: evidence.stepwiseLosses = try removalLosses(rounds: Self.stepwiseRounds, &outputs, progress)
      }
    }
    return evidence
  }

  private func check(_ criterion: any Criterion) throws(TrainingError) {
    guard let need = criterion.measurements.map(\.need).max(), need > .nothing else { return }
    guard let data else {
      let what = need == .labels ? "data with labels (--data)" : "calibration data (--calibration or --data)"
      throw TrainingError(.settings, "criterion \(criterion.name) needs \(what)")
    }
    guard need < .labels || data.hasLabels else {
      throw TrainingError(
        .data,
        "\(data.source): has no labels, which criterion \(criterion.name) needs for the loss; add an array "
          + "named \(Loss.labelField)")
    }
  }
}
