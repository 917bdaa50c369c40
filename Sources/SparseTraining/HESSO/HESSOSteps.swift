import Analysis
import DataSources
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import Training

/// Hybrid structured sparse optimization (Chen et al., "HESSO: Towards automatic efficient and user-friendly neural
/// network training and pruning", arXiv 2409.09085): while an optimizer trains, the units with the least saliency are
/// driven to zero along a straight line, period by period, and held there; what is left trains on.
///
/// ```swift
/// let trainer = try Trainer(model, data: data, settings: settings)
/// let hesso = try HESSOSteps(trainer, target: .groupSparsity(0.7))
/// trainer.shaper = hesso
/// while !trainer.isFinished { _ = try trainer.next() }
/// let small = try hesso.construct(trainer.trainedModel())
/// ```
public final class HESSOSteps: StepShaper {
  let parameters: Parameters
  let table: UnitTable
  let selection: UnitSelection
  let settings: HESSOSettings
  let workers: Workers
  private let analysis: ModelAnalysis
  /// Into ``Parameters/trained``.
  private let trainedIndices: [ValueID: Int]
  private let target: SparsityTarget
  var schedule: HESSOSchedule
  /// Steps made so far.
  public internal(set) var step = 0
  /// Whether each unit is zero for good.
  var gone: [Bool]
  /// Whether each unit is on its way there.
  var leaving: [Bool]
  var scalers: (gone: UnitScaler, leaving: UnitScaler)
  var cycle: CorrectiveCycle?
  /// What the corrective cycle has found, until it is used.
  var found: [Double] = []
  /// What saliency was made of when it was last measured, by unit: group by group, channel by channel.
  public internal(set) var terms = SaliencyTerms()
  /// Whether ``figures`` tells norms, which takes a look at all weights.
  public var measuresNorms = false

  /// Groups that cannot be trained away, and why.
  public var skipped: [(label: String, reason: String)] { table.skipped }

  /// - Parameters:
  ///   - trainer: the run whose parameters are driven to zero.
  ///   - options: which groups may lose units; of groups that are not exact none do.
  /// - Throws: where the target cannot be reached, the steps do not fit, or nothing may go.
  public convenience init(
    _ trainer: Trainer, target: SparsityTarget, settings: HESSOSettings = HESSOSettings(),
    candidates options: SelectionOptions = SelectionOptions(ratio: 0.5), workers: Workers = .all
  ) throws {
    try self.init(
      trainer.model, trainer.parameters, target: target, totalSteps: trainer.totalSteps, settings: settings,
      candidates: options, inputShapes: InputShapes(trainer.inputShapes), workers: workers)
  }

  /// - Parameters:
  ///   - model: the one that is trained, as the trainer holds it.
  ///   - parameters: its own.
  ///   - totalSteps: of the run.
  ///   - shapes: of inputs whose sizes the model leaves open, for which MACs are counted.
  public init(
    _ model: Model, _ parameters: Parameters, target: SparsityTarget, totalSteps: Int,
    settings: HESSOSettings = HESSOSettings(), candidates options: SelectionOptions = SelectionOptions(ratio: 0.5),
    inputShapes shapes: InputShapes = .none, workers: Workers = .all
  ) throws {
    try target.check()
    try settings.check()
    self.parameters = parameters
    trainedIndices = Dictionary(uniqueKeysWithValues: parameters.trained.enumerated().map { ($1.value, $0) })
    self.target = target
    self.settings = settings
    self.workers = workers
    let analysis = try ModelAnalysis(model).assuming(shapes, in: model)
    self.analysis = analysis
    try Self.requireKnownMACs(model, analysis, target)
    let table = UnitTable(model, analysis, parameters, candidates: try options.candidateGroups(in: analysis))
    self.table = table
    selection = UnitSelection(table, analysis, target, settings)
    schedule = try HESSOSchedule(
      settings, totalSteps: totalSteps,
      correction: settings.correction.map { CorrectiveCycle.stepLimit($0, groups: table.groups.count) } ?? 0)
    gone = [Bool](repeating: false, count: table.count)
    leaving = gone
    let none = UnitScaler(table, chosen: gone)
    scalers = (none, none)
    cycle = settings.correction.map { CorrectiveCycle(table, $0) }
    try selection.requireReachable()
  }

  private static func requireKnownMACs(
    _ model: Model, _ analysis: ModelAnalysis, _ target: SparsityTarget
  ) throws(TrainingError) {
    guard case .macs = target else { return }
    let sizes = analysis.sizesThatSkewMACs(in: model)
    guard !sizes.isEmpty else { return }
    throw TrainingError(
      .settings, "MACs depend on \(sizes.joined(separator: ", ")), which the model leaves open; give the input shapes")
  }

  public var identity: String {
    let groups = table.groups.map { analysis.groups[$0.index].id }.joined(separator: ",")
    return "\(settings.text) \(target.text) groups \(groups)"
  }

  public var tries: Bool { cycle?.isAway == true }

  // MARK: Steps

  public func step(
    _ optimizer: Optimizer, by program: TrainingProgram?, loss: Double?, rate: Double, largestNorm: Double?
  ) throws(TrainingError) -> Double? {
    let base = BaseStep(optimizer: optimizer, program: program, rate: rate, largestNorm: largestNorm)
    if largestNorm != nil { clearGradients(optimizer, program) }
    let norm: Double?
    if step >= schedule.start, cycle != nil {
      norm = try correct(base, loss: loss)
    } else {
      switch schedule.phase(step) {
      case .training: norm = base.make()
      case .pruning(let period, let place): norm = prune(base, period: period, place: place)
      }
    }
    scalers.gone.scale(parameters, by: 0, workers: workers)
    step += 1
    return norm
  }

  /// What is gone has no part in the norm of gradients: biases of channels that are zero have gradients nevertheless.
  private func clearGradients(_ optimizer: Optimizer, _ program: TrainingProgram?) {
    scalers.gone.scale(by: 0, workers: workers) { parameter in
      var start: UnsafeMutablePointer<Float>?
      if let index = trainedIndices[parameters.all[parameter].value] {
        optimizer.withGradient(index, program) { start = $0 }
      }
      return start
    }
  }

  private func prune(_ base: BaseStep, period: Int, place: Int) -> Double? {
    let norm: Double?
    if place > 0 {
      norm = base.make()
    } else if found.isEmpty {
      let saliency: [Double]
      (norm, saliency) = base.make(measuring: self)
      choose(saliency, period: period)
    } else {
      norm = base.make()
      choose(found, period: period)
      found = []
    }
    let left = schedule.steps - place
    scalers.leaving.scale(parameters, by: Float(left - 1) / Float(left), workers: workers)
    if left == 1 { finishPeriod() }
    return norm
  }

  /// Says which units leave in a period: of all that are to go in the end, a part with each.
  private func choose(_ saliency: [Double], period: Int) {
    let taken = selection.taken(saliency, gone: gone, part: period + 1, of: schedule.periods)
    leaving = zip(taken, gone).map { $0 && !$1 }
    scalers.leaving = UnitScaler(table, chosen: leaving)
  }

  private func finishPeriod() {
    gone = zip(gone, leaving).map { $0 || $1 }
    leaving = [Bool](repeating: false, count: table.count)
    scalers = (UnitScaler(table, chosen: gone), UnitScaler(table, chosen: leaving))
  }

  private func correct(_ base: BaseStep, loss: Double?) throws(TrainingError) -> Double? {
    guard var cycle else { return nil }
    // Where it fails it is as it was before the step.
    let norm = try cycle.step(base, loss: loss, self)
    self.cycle = cycle.saliency == nil ? cycle : nil
    if let saliency = cycle.saliency {
      found = saliency
      schedule.start = step + 1
    }
    return norm
  }

  // MARK: What comes of it

  /// The share of units that are zero for good.
  public var sparsity: Double { table.count == 0 ? 0 : Double(gone.count(where: { $0 })) / Double(table.count) }

  public var figures: [(name: String, value: Double)] {
    var figures = [(name: "sparsity", value: sparsity)]
    guard measuresNorms else { return figures }
    let norms = norms
    figures.append(("redundantNorm", norms.redundant))
    figures.append(("importantNorm", norms.important))
    return figures
  }

  /// Of the units that are on their way to zero, and of those that stay.
  var norms: (redundant: Double, important: Double) {
    let squares = UnitSums(table, parameters).squares
    func norm(where isWanted: (Int) -> Bool) -> Double {
      squares.indices.reduce(0) { isWanted($1) ? $0 + squares[$1] : $0 }.squareRoot()
    }
    let redundant = cycle?.violating ?? leaving
    return (norm { redundant[$0] }, norm { !redundant[$0] && !gone[$0] })
  }

  /// What stays of the model, as an analysis of it names it.
  public var keep: KeepSets { selection.keepSets(without: gone) }

  /// The trained model without the units that are zero: fewer channels, equal outputs.
  /// - Throws: before the last channel is gone, and where the model cannot be written smaller.
  public func construct(_ trained: Model) throws(TrainingError) -> Model {
    guard cycle == nil, step >= schedule.end else {
      throw TrainingError(
        .settings, "channels are still to go after \(counted(step, "step")): make all steps that were planned first")
    }
    let tensors = Dictionary(trained.graph.initializers.map { ($0.value, $0.tensor) }) { first, _ in first }
    let current = analysis.replacingTensors { tensors[analysis.weights[$0].value] }
    do throws(RewriteError) { return try trained.keeping(keep, analysis: current) } catch {
      throw TrainingError(.model, error.description)
    }
  }
}
