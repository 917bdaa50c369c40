import Calibration
import DataSources
import Passes
import Runtime
import Training

/// What is left of a model when criteria choose, at several targets, with and without repair.
///
/// ```swift
/// var settings = CriteriaComparison.Settings()
/// settings.scorings = [try Scoring(named: "l1"), try Scoring(named: "obspa")]
/// settings.targets = [.macs(.fraction(0.75)), .macs(.fraction(0.5))]
/// let comparison = try CriteriaComparison(
///   of: model, calibration: CalibrationData(training, for: model, limit: 256), test: test, settings: settings)
/// for row in comparison.rows { print(row.macsShare, row.score.top1 ?? 0) }
/// ```
public struct CriteriaComparison: Sendable, Equatable {
  public struct Settings: Sendable {
    public var scorings: [Scoring] = [.magnitude(p: 1)]
    public var targets: [Target] = [.macs(.fraction(0.5))]
    public var repairs: [LayerRepair] = [.none]
    /// What may go, whatever the target.
    public var selection = SelectionOptions(ratio: 0.5)
    /// How often channels are scored and a part of them removed; see `PruningRounds`.
    public var rounds = 1
    /// Whether scores of groups count by what removing a half of each does to the outputs.
    public var weighsGroups = false
    public var corruptions: [Corruption] = []
    /// Of all corruptions, from 1 to 5.
    public var severity = 3
    /// Bytes that corrupted pictures may take in all. They are made once for all models as far as they fit in; the rest
    /// is made anew for each.
    public var corruptedBytes = 1 << 30
    /// Of pictures as the model takes them.
    public var layout = ImageLayout.nchw
    /// What gradients are taken of, and what is measured.
    public var loss = Loss.crossEntropy
    public var measuring = Measuring.Options()
    /// The order is that of each of ``repairs``.
    public var repairing = Repair.Options()
    /// Samples of a run, where models are evaluated.
    public var batch = 64
    public var runtime = RuntimeOptions()
    /// Of what corruptions draw.
    public var seed: UInt64 = 0

    public init() {}
  }

  /// How well a model does.
  public struct Score: Sendable, Equatable {
    /// The share of right classes; `nil` where there are none.
    public let top1: Double?
    public let loss: Double

    public init(top1: Double?, loss: Double) {
      self.top1 = top1
      self.loss = loss
    }
  }

  /// What was done to a model.
  public struct Pruning: Sendable, Hashable {
    public let criterion: String
    public let target: Target
    public let repair: LayerRepair

    public init(criterion: String, target: Target, repair: LayerRepair) {
      self.criterion = criterion
      self.target = target
      self.repair = repair
    }
  }

  /// One model.
  public struct Row: Sendable, Equatable {
    /// `nil` for the model as it was.
    public let pruning: Pruning?
    public let parameters: Int
    /// The parameters as a share of those of the model as it was.
    public let parametersShare: Double
    public let macs: Int
    /// The MACs as a share of those of the model as it was.
    public let macsShare: Double
    public let score: Score
    /// Under each of ``CriteriaComparison/corruptions``.
    public let corrupted: [Score]

    public init(
      pruning: Pruning?, parameters: Int, parametersShare: Double, macs: Int, macsShare: Double, score: Score,
      corrupted: [Score] = []
    ) {
      self.pruning = pruning
      self.parameters = parameters
      self.parametersShare = parametersShare
      self.macs = macs
      self.macsShare = macsShare
      self.score = score
      self.corrupted = corrupted
    }
  }

  /// The model as it was, then by criterion, target and repair, in the order of the settings.
  public let rows: [Row]
  public let corruptions: [Corruption]

  public init(rows: [Row], corruptions: [Corruption] = []) {
    self.rows = rows
    self.corruptions = corruptions
  }

  /// Prunes and evaluates, once for every criterion, target and repair.
  ///
  /// What a criterion measures of the model as it was, and how much groups count by it, is found out once for all
  /// targets and repairs; what it measures in later rounds depends on them.
  ///
  /// - Parameters:
  ///   - calibration: what is measured and repaired on.
  ///   - labelled: samples with labels, for criteria that need some; `nil` where those of `calibration` serve.
  ///   - test: what is evaluated on: best nothing a criterion or a repair has seen.
  ///   - progress: is told what is done, and throws to stop.
  /// - Throws: ``PassError`` where a target cannot be reached or leaves nothing to prune, ``TrainingError`` and
  ///   ``DataError`` where data are missing or do not fit.
  public init(
    of model: Model, _ analysis: ModelAnalysis? = nil, calibration: CalibrationData,
    labelled: CalibrationData? = nil, test: any Dataset, settings: Settings,
    progress: @escaping Measuring.Progress = { _, _, _ in }
  ) throws {
    let known = try analysis ?? ModelAnalysis(model)
    let run = try ComparisonRun(
      model, known, calibration: calibration, labelled: labelled ?? calibration, test: test, settings: settings,
      progress: progress)
    self.init(rows: try run.rows(), corruptions: settings.corruptions)
  }
}
