import DataSources
import Training

/// Which steps do what.
struct HESSOSchedule {
  enum Phase: Equatable {
    /// Training as usual, before or after.
    case training
    /// A step of a period, both counted from 0.
    case pruning(period: Int, step: Int)
  }

  /// How many periods there are where nothing else is said, and how many steps each has at least.
  private static let (usualPeriods, usualSteps) = (10, 5)

  /// Where a corrective cycle comes first, that moves it.
  var start: Int
  let periods: Int
  /// Of a period.
  let steps: Int
  /// Of the run.
  let totalSteps: Int

  /// The step before which the last unit is gone.
  var end: Int { start + periods * steps }

  /// - Parameter correction: steps a corrective cycle takes at most.
  /// - Throws: where the steps do not fit into all.
  init(_ settings: HESSOSettings, totalSteps: Int, correction: Int = 0) throws(TrainingError) {
    guard (1...Int(Int32.max)).contains(totalSteps) else {
      throw TrainingError(.settings, "the number of steps, \(totalSteps), must be from 1 to \(Int32.max)")
    }
    self.totalSteps = totalSteps
    start = settings.start ?? totalSteps / (settings.startsFromScratch ? 10 : 20)
    let pruning = settings.pruningSteps ?? max(1, settings.startsFromScratch ? totalSteps * 2 / 5 : totalSteps / 10)
    let wanted = settings.periods ?? min(Self.usualPeriods, pruning / Self.usualSteps)
    periods = settings.correction == nil ? min(max(1, wanted), max(1, pruning)) : 1
    steps = pruning / max(1, periods)
    let needed = [start, correction, pruning].reduce(0) { $0 &+ min(max(0, $1), 1 << 40) }
    guard start >= 0, pruning >= 1, needed <= totalSteps else {
      let before = correction > 0 ? " after a corrective cycle of up to \(counted(correction, "step"))" : ""
      throw TrainingError(
        .settings,
        "pruning from step \(start) on for \(counted(pruning, "step"))\(before) does not fit into "
          + "\(counted(totalSteps, "step")); start earlier, take fewer steps"
          + (correction > 0 ? ", cycles and steps of a cycle" : "") + " for it, or train longer")
    }
  }

  func phase(_ step: Int) -> Phase {
    guard (start..<end).contains(step) else { return .training }
    let (period, place) = (step - start).quotientAndRemainder(dividingBy: steps)
    return .pruning(period: period, step: place)
  }
}
