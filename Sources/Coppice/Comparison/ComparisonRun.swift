import Calibration
import DataSources
import Passes
import Training

/// Does the work of a ``CriteriaComparison``.
struct ComparisonRun {
  private let model: Model
  private let analysis: ModelAnalysis
  private let calibration: CalibrationData
  private let labelled: CalibrationData
  /// The samples as they are, then under each corruption, made once for all models.
  private let tests: [any Dataset]
  private let settings: CriteriaComparison.Settings
  private let progress: Measuring.Progress
  private let before: ModelStatistics

  init(
    _ model: Model, _ analysis: ModelAnalysis, calibration: CalibrationData, labelled: CalibrationData,
    test: any Dataset, settings: CriteriaComparison.Settings, progress: @escaping Measuring.Progress
  ) throws {
    self.model = model
    self.analysis = analysis
    self.calibration = calibration
    self.labelled = labelled
    self.settings = settings
    self.progress = progress
    before = ModelStatistics(analysis)
    let plain = try test.withoutAugmentation.prepared(for: ExpectedInput.all(of: model).map(\.widened))
    var tests: [any Dataset] = [plain]
    let limit = settings.corruptedBytes / max(1, settings.corruptions.count)
    for corruption in settings.corruptions {
      let corrupted = try CorruptedDataset(
        plain, corruption, severity: settings.severity, layout: settings.layout, seed: settings.seed)
      tests.append(KeptDataset(corrupted, limit: limit))
    }
    self.tests = tests
  }

  func rows() throws -> [CriteriaComparison.Row] {
    let all = 1 + settings.scorings.count * settings.targets.count * settings.repairs.count
    var rows = [try row(for: model, before, nil)]
    for scoring in settings.scorings {
      // What a criterion measures, and whether targets can be reached, is known before its models are made.
      let evidence = try self.evidence(for: scoring)
      let selections = try settings.targets.map { try selection(scoring, $0, evidence) }
      for (target, selection) in zip(settings.targets, selections) {
        for repair in settings.repairs {
          let keep = selection.keepSets(analysis)
          let pruning = CriteriaComparison.Pruning(
            criterion: scoring.criterion.name, target: target, repair: repair)
          let statistics = ModelStatistics(analysis, keeping: keep)
          rows.append(try row(for: try pruned(keep, repair), statistics, pruning))
          try progress("comparing", rows.count, all)
        }
      }
    }
    return rows
  }

  private static func needsLabels(_ scoring: Scoring) -> Bool {
    scoring.criterion.measurements.contains { $0.need == .labels }
  }

  private func evidence(for scoring: Scoring) throws -> Evidence {
    let measuring = Measuring(
      model, analysis, data: Self.needsLabels(scoring) ? labelled : calibration, loss: settings.loss,
      options: settings.measuring)
    return try measuring.evidence(for: scoring.criterion, progress: progress)
  }

  private func selection(_ scoring: Scoring, _ target: Target, _ evidence: Evidence) throws -> Selection {
    var options = settings.selection
    options.target = target
    let selection: Selection
    do {
      selection = try Selection(analysis: analysis, scoring: scoring, options: options, evidence: evidence)
    } catch let error as SelectionError {
      throw error.isUsageError ? PassError.usage("\(error)") : PassError.impossible("\(target.label): \(error)")
    }
    if selection.decisions.isEmpty, case .ratio = target {
      throw PassError.nothingPruned("\(target.label): nothing to prune with these options")
    }
    return selection
  }

  private func pruned(_ keep: KeepSets, _ repair: LayerRepair) throws -> Model {
    let sliced: Model
    do throws(RewriteError) { sliced = try model.keeping(keep, analysis: analysis) } catch {
      throw PassError.other("\(error)")
    }
    guard let order = repair.order else { return sliced }
    var options = settings.repairing
    options.order = order
    return try Repair(of: model, analysis, keep: keep, options: options)(
      sliced, on: calibration, progress: progress
    ).model
  }

  private func row(
    for model: Model, _ statistics: ModelStatistics, _ pruning: CriteriaComparison.Pruning?
  ) throws -> CriteriaComparison.Row {
    let scores = try tests.map { try score(of: model, on: $0) }
    return CriteriaComparison.Row(
      pruning: pruning, parameters: statistics.parameters, macs: statistics.macs,
      macsShare: before.macs > 0 ? Double(statistics.macs) / Double(before.macs) : 1, score: scores[0],
      corrupted: Array(scores.dropFirst()))
  }

  private func score(of model: Model, on data: any Dataset) throws -> CriteriaComparison.Score {
    let evaluation = Evaluation(settings.loss, batch: settings.batch, options: settings.runtime)
    var stop: (any Error)?
    let metrics = try evaluation(model, on: data) { done, all in
      do { try progress("evaluating", done, all) } catch { stop = error }
      return stop == nil
    }
    if let stop { throw stop }
    return CriteriaComparison.Score(top1: metrics.top1, loss: metrics.loss)
  }
}
