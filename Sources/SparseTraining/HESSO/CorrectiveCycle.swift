import IR
import Kernels
import Runtime
import Training

/// Tries units before they go, so that those the model cannot do without are found out (the corrective redundancy
/// identification cycle of HESSO-CRIC): first how much parts of each group alone matter to the loss, then, over several
/// cycles, what the saliency of all units is while those with the least of it are driven to zero. Weights are as they
/// were afterwards.
struct CorrectiveCycle {
  let table: UnitTable
  let settings: CorrectiveCycleSettings
  let trials: [Trial]
  var phase = Phase.beginning
  var remembered: [[Float]] = []
  /// Of the optimizer, by slot and parameter: what weights that were driven to zero left in it would throw them far.
  var rememberedState: [Tensor] = []
  /// The steps that state is of, by which Adam corrects it.
  var rememberedStep = 0
  /// The saliency each trial goes by.
  var first: [Double] = []
  /// Of each group, by how much the loss grew in its trials for each unit that was taken away.
  var lossTerms: [Double]
  var reference = 0.0
  /// Trials whose loss is known.
  var measured = 0
  var sums: [Double]
  var samples = 0
  /// Units that are driven to zero in this cycle, that will be in the next, and that have been.
  var violating: [Bool]
  var entered: [Bool]
  var history: [Bool]
  var scaler: UnitScaler

  /// What all samples say in the end.
  private(set) var saliency: [Double]?

  struct Trial {
    let group: Int
    let share: Double
  }

  enum Phase: Equatable {
    case beginning
    /// Before the units of a trial are taken away, and after.
    case trial(Int, isTaken: Bool)
    case cycle(Int, step: Int)
  }

  init(_ table: UnitTable, _ settings: CorrectiveCycleSettings) {
    self.table = table
    self.settings = settings
    trials = table.groups.indices.flatMap { group in
      settings.trials.map { Trial(group: group, share: $0) }.filter { trial in
        let count = Self.count(trial, of: table)
        return count > 0 && count < table.groups[group].units.count
      }
    }
    lossTerms = [Double](repeating: 0, count: table.groups.count)
    sums = [Double](repeating: 0, count: table.count)
    violating = [Bool](repeating: false, count: table.count)
    entered = violating
    history = violating
    scaler = UnitScaler(table, chosen: violating)
  }

  /// Steps it takes at most.
  static func stepLimit(_ settings: CorrectiveCycleSettings, groups: Int) -> Int {
    1 + 2 * settings.trials.count * groups + settings.samplingSteps * settings.cycles
  }

  /// Whether the weights are those of a trial or on their way to zero, and will come back.
  var isAway: Bool {
    switch phase {
    case .beginning: false
    case .trial(_, let isTaken): isTaken
    case .cycle(_, let step): step > 0
    }
  }

  private static func count(_ trial: Trial, of table: UnitTable) -> Int {
    Int((Double(table.groups[trial.group].units.count) * trial.share).rounded(.down))
  }

  /// - Parameter loss: of the gradients the step would go by.
  /// - Throws: where the loss is not known.
  mutating func step(_ base: BaseStep, loss: Double?, _ hesso: HESSOSteps) throws(TrainingError) -> Double? {
    switch phase {
    case .beginning: return begin(base, hesso)
    case .trial(let index, let isTaken):
      base.leaveOut()
      if isTaken { try finish(index, loss, base, hesso) } else { take(index, loss, hesso) }
      return nil
    case .cycle(let number, let place): return try sample(base, number, place, loss, hesso)
    }
  }

  private mutating func begin(_ base: BaseStep, _ hesso: HESSOSteps) -> Double? {
    let (norm, saliency) = base.make(measuring: hesso)
    first = saliency
    (rememberedState, rememberedStep) = (base.optimizer.savedState(), base.optimizer.step)
    remembered = hesso.parameters.all.map { parameter in hesso.parameters.withValues(of: parameter) { Array($0) } }
    if trials.isEmpty { beginCycles(hesso) } else { phase = .trial(0, isTaken: false) }
    return norm
  }

  // MARK: Trials

  private mutating func take(_ index: Int, _ loss: Double?, _ hesso: HESSOSteps) {
    reference = loss ?? .nan
    let units = table.groups[trials[index].group].units.sorted { (first[$0], $0) < (first[$1], $1) }
    var taken = [Bool](repeating: false, count: table.count)
    for unit in units.prefix(Self.count(trials[index], of: table)) { taken[unit] = true }
    UnitScaler(table, chosen: taken).scale(hesso.parameters, by: 0, workers: hesso.workers)
    phase = .trial(index, isTaken: true)
  }

  /// What a loss counts at most, as a multiple of that before.
  private static let largestRatio = 1e6

  private mutating func finish(
    _ index: Int, _ loss: Double?, _ base: BaseStep, _ hesso: HESSOSteps
  ) throws(TrainingError) {
    let trial = trials[index]
    // A batch whose labels are all ignored says nothing.
    if let loss, reference > 0 {
      let trialsOfGroup = trials.count(where: { $0.group == trial.group })
      let ratio = loss.isFinite ? min(loss / reference, Self.largestRatio) : Self.largestRatio
      lossTerms[trial.group] += max(0, ratio - 1) / Double(Self.count(trial, of: table) * trialsOfGroup)
      measured += 1
    }
    try recall(base, hesso)
    if index + 1 < trials.count {
      phase = .trial(index + 1, isTaken: false)
    } else {
      guard measured > 0 else {
        throw TrainingError(.settings, "the corrective cycle needs the loss of every step; give it with the step")
      }
      beginCycles(hesso)
    }
  }

  private func recall(_ base: BaseStep, _ hesso: HESSOSteps) throws(TrainingError) {
    guard base.optimizer.restore(rememberedState, step: rememberedStep) else {
      throw TrainingError(
        .settings, "what the corrective cycle set aside of the optimizer does not fit it; start the run anew")
    }
    for (parameter, values) in zip(hesso.parameters.all, remembered) {
      hesso.parameters.withValues(of: parameter) { target in
        for index in target.indices { target[index] = values[index] }
      }
    }
  }

  // MARK: Cycles

  private mutating func beginCycles(_ hesso: HESSOSteps) {
    violating = lowest(first, hesso)
    scaler = UnitScaler(table, chosen: violating)
    phase = .cycle(0, step: 0)
  }

  private func lowest(_ saliency: [Double], _ hesso: HESSOSteps) -> [Bool] {
    let corrected = withLosses(saliency)
    let none = [Bool](repeating: false, count: table.count)
    return hesso.selection.taken(corrected, gone: none, part: 1, of: 1)
  }

  /// With the terms of losses beside them, divided by their norm over all units as all terms are: a group whose trials
  /// grow the loss manifold would otherwise say nothing of how the others compare. The paper adds the ratios as they are.
  private func withLosses(_ saliency: [Double]) -> [Double] {
    let norm = zip(table.groups, lossTerms).reduce(0) { $0 + Double($1.0.units.count) * $1.1 * $1.1 }.squareRoot()
    guard norm > 0 else { return saliency }
    var corrected = saliency
    for (group, term) in zip(table.groups, lossTerms) {
      for unit in group.units { corrected[unit] += settings.lossWeight * term / norm }
    }
    return corrected
  }

  private mutating func sample(
    _ base: BaseStep, _ number: Int, _ place: Int, _ loss: Double?, _ hesso: HESSOSteps
  ) throws(TrainingError) -> Double? {
    if let loss, !loss.isFinite {
      // So much at once was too much: the weights come back, and what was seen so far counts.
      base.leaveOut()
      try finishCycle(number, base, hesso)
      return nil
    }
    let (norm, saliency) = base.make(measuring: hesso)
    for unit in sums.indices { sums[unit] += saliency[unit] }
    samples += 1
    for (unit, isLow) in lowest(saliency, hesso).enumerated() where isLow && !violating[unit] && !history[unit] {
      entered[unit] = true
    }
    let left = settings.samplingSteps - place
    scaler.scale(hesso.parameters, by: Float(left - 1) / Float(left), workers: hesso.workers)
    if left > 1 { phase = .cycle(number, step: place + 1) } else { try finishCycle(number, base, hesso) }
    return norm
  }

  private mutating func finishCycle(
    _ number: Int, _ base: BaseStep, _ hesso: HESSOSteps
  ) throws(TrainingError) {
    history = zip(history, violating).map { $0 || $1 }
    violating = entered
    entered = [Bool](repeating: false, count: table.count)
    try recall(base, hesso)
    scaler = UnitScaler(table, chosen: violating)
    if number + 1 < settings.cycles, violating.contains(true) {
      phase = .cycle(number + 1, step: 0)
    } else {
      saliency = withLosses(samples > 0 ? sums.map { $0 / Double(samples) } : first)
    }
  }
}
