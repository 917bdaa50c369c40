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
    do { try PruningRounds.check(settings.rounds) } catch { throw PassError.usage("\(error)") }
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
      let first = try firstEvidence(for: scoring)
      let choices = try settings.targets.map { try selections(scoring, $0, from: first) }
      for (target, selections) in zip(settings.targets, choices) {
        for (repair, selection) in zip(settings.repairs, selections) {
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

  // MARK: What is measured

  private func samples(for scoring: Scoring) -> CalibrationData {
    scoring.criterion.measurements.contains { $0.need == .labels } ? labelled : calibration
  }

  private func pruneCalibration(_ repair: LayerRepair) -> PruneCalibration {
    var result = PruneCalibration()
    result.loss = settings.loss
    result.measuring = settings.measuring
    result.repairing = settings.repairing
    result.repair = repair.order.map { PruneCalibration.RepairChoice.order($0) } ?? PruneCalibration.RepairChoice.none
    result.weighsGroups = settings.weighsGroups
    return result
  }

  private func telling(in round: PruningRound) -> Measuring.Progress {
    { work, done, all in try progress(round.describing(work), done, all) }
  }

  /// Of the model as it was: the same for all targets and repairs.
  private func firstEvidence(for scoring: Scoring) throws -> Evidence {
    let round = PruningRound(number: 1, of: settings.rounds)
    var unrecorded: RecordedOutputs?
    return try pruneCalibration(.none).evidence(
      for: scoring, model, analysis, on: samples(for: scoring), in: round, recording: &unrecorded,
      progress: telling(in: round))
  }

  private func laterEvidence(
    for scoring: Scoring, _ repair: LayerRepair, _ zeroed: Model, _ analysisOfZeroed: ModelAnalysis,
    in round: PruningRound
  ) throws -> Evidence {
    let calibration = pruneCalibration(repair)
    let data = samples(for: scoring)
    if let evidence = try calibration.evidenceOfRepaired(
      model, analysis, for: scoring.criterion, on: data, in: round, outputs: nil, progress: telling(in: round))
    {
      return evidence
    }
    var unrecorded: RecordedOutputs?
    return try calibration.evidence(
      for: scoring, zeroed, analysisOfZeroed, on: data, in: round, recording: &unrecorded,
      progress: telling(in: round))
  }

  // MARK: What goes

  /// A choice for each repair. It is the same for all but where scores presume a repair: their later rounds look at the
  /// repaired model.
  private func selections(
    _ scoring: Scoring, _ target: Target, from first: Evidence
  ) throws -> [Selection] {
    guard settings.rounds > 1, scoring.criterion.presumesRepair else {
      let same = try selection(scoring, target, .none, from: first)
      return settings.repairs.map { _ in same }
    }
    return try settings.repairs.map { try selection(scoring, target, $0, from: first) }
  }

  private func selection(
    _ scoring: Scoring, _ target: Target, _ repair: LayerRepair, from first: Evidence
  ) throws -> Selection {
    var options = settings.selection
    options.target = target
    let found: Selection
    do {
      found = try PruningRounds(settings.rounds, of: model, analysis).select(
        scoring: scoring, options: options,
        measure: { round, zeroed, analysisOfZeroed in
          guard round.number > 1 else { return first }
          return try laterEvidence(for: scoring, repair, zeroed, analysisOfZeroed, in: round)
        },
        scored: { round, groups, all in try progress(round.describing("scoring"), groups, all) })
    } catch let error as PlanError {
      throw PassError.other("rounds need weights that names tell apart: \(error); use one round")
    } catch let error as SelectionError {
      throw error.isUsageError ? PassError.usage("\(error)") : PassError.impossible("\(target.label): \(error)")
    }
    if found.decisions.isEmpty, case .ratio = target {
      throw PassError.nothingPruned("\(target.label): nothing to prune with these options")
    }
    return found
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
      pruning: pruning, parameters: statistics.parameters,
      parametersShare: Self.share(statistics.parameters, of: before.parameters), macs: statistics.macs,
      macsShare: Self.share(statistics.macs, of: before.macs), score: scores[0],
      corrupted: Array(scores.dropFirst()))
  }

  private static func share(_ amount: Int, of all: Int) -> Double { all > 0 ? Double(amount) / Double(all) : 1 }

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
