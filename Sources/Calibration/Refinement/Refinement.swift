import Analysis
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import Training

/// Improves a choice of channels: in each group that one linear layer reads, kept channels are swapped for removed ones
/// while this lowers what the layer loses, in least squares over samples and behind its best repair (the local search
/// of Meng et al., "OSSCAR", ICML 2024; see ``SwapSearch``).
///
/// As many channels of each group stay as before. Inputs of layers are looked at in the model as it was, with nothing
/// removed. Labels are not needed, and no weight changes.
public struct Refinement {
  public struct Options: Sendable {
    /// Rounds of swaps of each group, each with a factorization of its own.
    public var iterations = 20
    /// What is added to the diagonal of covariances, as a share of its mean; what is usual for the samples by default.
    public var damping: Double?
    /// Groups read by matrices of more columns are left as they are.
    public var columnLimit = 8192
    /// Samples of a run.
    public var batch = 32
    /// Bytes that moments of layers may take at a time.
    public var memoryBudget = 1 << 30
    public var seed: UInt64 = 0
    public var runtime = RuntimeOptions()

    public init() {}
  }

  /// What was found.
  public struct Report: Sendable {
    public struct Group: Sendable {
      /// ``PruningGroup/id``.
      public let id: String
      /// The layer that reads it.
      public let layer: String
      /// Channels that are kept now and were not.
      public let swaps: Int
      /// What the repaired layer loses, as a share of what its outputs vary.
      public let lossBefore: Double
      public let lossAfter: Double
      /// Whether the search ended because no further swap is predicted to help, rather than after so many rounds.
      public let isLocalOptimum: Bool
    }

    /// Groups that were looked at, in the order of the analysis.
    public var groups: [Group] = []
    /// Groups that are left as they are, and why.
    public var skipped: [(group: String, reason: String)] = []

    public init(groups: [Group] = [], skipped: [(group: String, reason: String)] = []) {
      self.groups = groups
      self.skipped = skipped
    }

    public var swaps: Int { groups.reduce(0) { $0 + $1.swaps } }
  }

  private let dense: Model
  private let analysis: ModelAnalysis
  private let keep: KeepSets
  private let options: Options
  private let layers: LinearLayers

  /// - Parameters:
  ///   - dense: the model as it was.
  ///   - keep: what was kept of it.
  public init(of dense: Model, _ analysis: ModelAnalysis, keep: KeepSets, options: Options = Options()) {
    self.dense = dense
    self.analysis = analysis
    self.keep = keep
    self.options = options
    layers = LinearLayers(dense, analysis)
  }

  /// - Returns: what is kept now: as many channels of each group.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `progress` throws.
  public func callAsFunction(
    on data: CalibrationData, progress: Measuring.Progress = { _, _, _ in }
  ) throws -> (keep: KeepSets, report: Report) {
    let found = RefinableGroups(layers, dense, analysis, keep: keep, columnLimit: options.columnLimit)
    var (refined, report) = (keep, Report(skipped: found.skipped))
    guard !found.targets.isEmpty else { return (refined, report) }
    let observer = try measuring(on: data, progress)
    var outputs: RecordedOutputs?
    var (done, outcomes) = (0, [DimensionID: Report.Group]())
    for part in partition(found.targets) {
      let readers = Array(Set(part.map(\.reader))).sorted()
      let moments = try observer.inputMoments(of: readers, data, &outputs, progress)
      let momentsOfReader = Dictionary(uniqueKeysWithValues: zip(readers, moments))
      for target in part {
        if let moments = momentsOfReader[target.reader] {
          let damping = options.damping ?? data.usualDamping
          let outcome = try refine(target, moments, damping: damping, &refined) {
            try progress("refining", done, found.targets.count)
          }
          switch outcome {
          case .refined(let group): outcomes[target.group.dimension] = group
          case .skipped(let reason): report.skipped.append((target.group.id, reason))
          }
        }
        done += 1
        try progress("refining", done, found.targets.count)
      }
    }
    report.groups = analysis.groups.compactMap { outcomes[$0.dimension] }
    return (refined, report)
  }

  /// What looks at the inputs of layers: on generated samples in a model with running statistics as they are on these,
  /// so that what lies behind a normalization varies as it does on real data.
  private func measuring(on data: CalibrationData, _ progress: Measuring.Progress) throws -> Measuring {
    var measured = Measuring.Options()
    measured.batch = options.batch
    // Few rows tell which channels to begin with; not which of two sets of them is the better one.
    measured.leastRows = 4096
    measured.damping = options.damping
    measured.seed = options.seed
    measured.runtime = options.runtime
    let twin = try Recalibration.twin(of: dense, on: data, batch: options.batch, runtime: options.runtime, progress)
    return Measuring(twin ?? dense, analysis, data: data, options: measured)
  }

  /// As many groups at a time as the budget has memory for the moments of their readers, those whose readers run last
  /// first: which of a layer's outputs are kept is then decided when its inputs are looked at.
  private func partition(_ targets: [RefinableGroups.Target]) -> [[RefinableGroups.Target]] {
    var (parts, bytes) = ([[RefinableGroups.Target]](), 0)
    let order = targets.indices.sorted { (targets[$0].reader, $1) > (targets[$1].reader, $0) }
    for target in order.map({ targets[$0] }) {
      let isKnown = parts.last?.contains { $0.reader == target.reader } ?? false
      let own = isKnown ? 0 : momentBytes(target.reader)
      if parts.isEmpty || bytes + own > options.memoryBudget {
        parts.append([])
        bytes = 0
      }
      parts[parts.count - 1].append(target)
      bytes += own
    }
    return parts
  }

  private func momentBytes(_ reader: Int) -> Int {
    let layer = layers.all[reader]
    let form = LayerForm(layer, analysis.weights[layer.weight].tensor.shape)
    return LayerMoments.byteCount(groups: form.groups, columns: form.columns, rows: 0)
  }

  /// What became of one group.
  private enum Outcome {
    case refined(Report.Group)
    case skipped(reason: String)
  }

  /// Looks for better channels of one group, the others as they are now.
  /// - Parameter check: called before each round of swaps; throws to stop.
  private func refine(
    _ target: RefinableGroups.Target, _ moments: InputMoments, damping: Double, _ keep: inout KeepSets,
    check: () throws -> Void
  ) throws -> Outcome {
    let group = target.group
    let layer = layers.all[target.reader]
    guard let kept = keep[group.dimension] else { return .skipped(reason: "all of it stays") }
    let outcome: SwapSearch.Outcome
    do {
      let systems = try SwapSystems(
        group, layer, layers, analysis, moments: moments, keep: keep, damping: damping,
        workers: options.runtime.workers
      ).all
      guard !systems.isEmpty else {
        return .skipped(reason: "what \(layer.label) reads does not vary on the samples, or is not finite")
      }
      let search = SwapSearch(
        systems: systems, count: group.size, iterationLimit: options.iterations, workers: options.runtime.workers)
      outcome = try search.run(from: kept.map { Int($0) }, check: check)
    } catch let error as BLASError {
      throw TrainingError(.model, "group \(group.id): \(error)")
    }
    guard outcome.whole.isFinite else { return .skipped(reason: "what \(layer.label) makes is not finite") }
    guard outcome.whole != 0 else { return .skipped(reason: "\(layer.label) makes nothing of what it reads") }
    guard outcome.whole > 0, outcome.before.isFinite else {
      let reason = "rounding leaves the covariance of what \(layer.label) reads singular; give more damping"
      return .skipped(reason: reason)
    }
    keep[group.dimension] = outcome.kept.map { Int32($0) }
    return .refined(
      Report.Group(
        id: group.id, layer: layer.label, swaps: outcome.swaps, lossBefore: outcome.before / outcome.whole,
        lossAfter: outcome.after / outcome.whole, isLocalOptimum: outcome.isLocalOptimum))
  }
}
