import Analysis
import Calibration
import Dimensions
import Pruning
import Runtime
import Training

/// What pruning does with samples: what is measured on them, and how layers make up for what goes.
public struct PruneCalibration: Sendable {
  /// Reads or generates the samples, once it is known what they are for.
  public var samples: @Sendable (Model, Context) throws -> CalibrationData?
  /// What gradients are taken of.
  public var loss = Loss.crossEntropy
  /// A pass puts its own seed in the place of this one.
  public var measuring = Measuring.Options()
  /// How layers make up for what goes.
  public var repair = RepairChoice.usual
  /// Its order is what ``repair`` says; a pass puts its own seed in the place of this one.
  public var repairing = Repair.Options()
  /// Whether scores of groups count by what removing a half of each does to the outputs.
  public var weighsGroups = false

  public enum RepairChoice: Sendable, Hashable {
    /// As is usual for the samples where the criterion's scores presume a repair; not at all otherwise.
    case usual
    case none
    case order(Repair.Order)
  }

  /// Megabytes that moments of layers may be allowed at a time.
  public static let momentMemoryRange = 1...(1 << 20)

  /// What is said here holds for what is measured and for what is repaired: scores that presume a repair are those of
  /// the repair that follows.
  /// - Parameters:
  ///   - batch: samples of a run.
  ///   - damping: what pulls towards what was there, as a share of the mean variance of inputs; what is usual for the
  ///     samples by default.
  ///   - memoryBudget: bytes that moments of layers may take at a time.
  ///   - samples: reads or generates the samples, once it is known what they are for.
  public init(
    batch: Int? = nil, damping: Double? = nil, memoryBudget: Int? = nil, runtime: RuntimeOptions = RuntimeOptions(),
    samples: @escaping @Sendable (Model, Context) throws -> CalibrationData? = { _, _ in nil }
  ) {
    self.samples = samples
    measuring.batch = batch ?? measuring.batch
    measuring.damping = damping
    measuring.memoryBudget = memoryBudget ?? measuring.memoryBudget
    measuring.runtime = runtime
    repairing.batch = measuring.batch
    repairing.damping = damping
    repairing.memoryBudget = measuring.memoryBudget
    repairing.runtime = runtime
  }

  /// The same with all that is drawn at random drawn by one seed.
  func seeded(_ seed: UInt64) -> PruneCalibration {
    var calibration = self
    calibration.measuring.seed = seed
    calibration.repairing.seed = seed
    return calibration
  }

  /// The order layers are repaired in; `nil` where they are not.
  /// - Parameter origin: of the samples, where there are any.
  func order(for criterion: any Criterion, on origin: CalibrationData.Origin = .natural) -> Repair.Order? {
    switch repair {
    case .none: nil
    case .order(let order): order
    case .usual: criterion.presumesRepair ? .usual(for: origin) : nil
    }
  }

  /// Whether anything is done with samples at all.
  func isNeeded(for criterion: any Criterion) -> Bool {
    weighsGroups || order(for: criterion) != nil || criterion.measurements.contains { $0.need > .nothing }
  }

  /// Where a sequential repair finds what is noted for it while scores are measured.
  func recording(for criterion: any Criterion, on data: CalibrationData?) -> RecordedOutputs? {
    guard let data, data.origin != .generated, order(for: criterion, on: data.origin) == .sequential
    else { return nil }
    return RecordedOutputs(for: repairing)
  }

  /// The losses of what the rounds before this one left, which is removed and made up for as it will be in the end: of
  /// a model in which channels are only zero, losses tell what these leave behind, and not what the next ones cost.
  /// - Returns: `nil` where a criterion's scores presume no repair, or channels of both models cannot be told to be the
  ///   same.
  package func evidenceOfRepaired(
    _ model: Model, _ analysis: ModelAnalysis, for criterion: any Criterion, on data: CalibrationData?,
    in round: PruningRound, outputs: RecordedOutputs?, progress: @escaping Measuring.Progress
  ) throws -> Evidence? {
    guard round.number > 1, let data, let order = order(for: criterion, on: data.origin), criterion.presumesRepair,
      criterion.measurements.isSubset(of: [.removalLosses, .stepwiseLosses])
    else { return nil }
    var options = repairing
    options.order = order
    // Before anything is repaired in vain.
    guard let pruned = try? model.keeping(round.alive, analysis: analysis), let narrow = try? ModelAnalysis(pruned),
      PlacedLosses(in: analysis, of: narrow, keeping: round.alive) != nil
    else { return nil }
    let repair = Repair(of: model, analysis, keep: round.alive, options: options)
    let repaired = try repair(pruned, on: data, outputs: outputs, progress: progress).model
    guard let own = try? ModelAnalysis(repaired),
      let placed = PlacedLosses(in: analysis, of: own, keeping: round.alive)
    else { return nil }
    let found = try Measuring(repaired, own, data: data, loss: loss, options: measuring)
      .evidence(for: criterion, progress: progress)
    var evidence = placed(found)
    evidence.layers = LinearLayers(model, analysis)
    return evidence
  }

  /// What the criterion asks for and, in the first round, how much groups count.
  /// - Parameter outputs: notes what layers make in the first round.
  package func evidence(
    for scoring: Scoring, _ model: Model, _ analysis: ModelAnalysis, on data: CalibrationData?,
    in round: PruningRound = .only, recording outputs: inout RecordedOutputs?, progress: @escaping Measuring.Progress
  ) throws -> Evidence {
    let measuring = Measuring(model, analysis, data: data, loss: loss, options: measuring)
    // Later rounds look at another model than the one a repair starts from.
    guard round.number == 1 else { return try measuring.evidence(for: scoring.criterion, progress: progress) }
    var evidence = try measuring.evidence(for: scoring.criterion, recording: &outputs, progress: progress)
    guard weighsGroups else { return evidence }
    guard let data else { throw TrainingError(.settings, "weighing groups needs samples (--data or --calibration)") }
    var options = Sensitivity.Options()
    options.repair = repairing
    options.repair?.order = .usual(for: data.origin)
    options.batch = repairing.batch
    options.runtime = repairing.runtime
    let scored = try scoring.scores(of: Array(analysis.groups.indices), in: analysis, evidence: evidence)
      .entries.map { (group: $0.group, scores: $0.normalized) }
    evidence.groupWeights = try Sensitivity(model, analysis, data: data, options: options)
      .groupWeights(scored, progress: progress)
    return evidence
  }
}

extension Criterion {
  /// Whether its scores are what layers cannot make up for.
  package var presumesRepair: Bool { !measurements.isDisjoint(with: [.removalLosses, .stepwiseLosses]) }
}
