import Testing
import Training

@testable import SparseTraining

@Suite("HESSO schedule")
struct HESSOScheduleTests {
  struct Case: Sendable {
    let totalSteps: Int
    let startsFromScratch: Bool
    let pruning: Range<Int>
    let periods: Int
  }

  @Test(
    "channels go early, and from scratch later and more slowly",
    arguments: [
      Case(totalSteps: 800, startsFromScratch: false, pruning: 40..<120, periods: 10),
      Case(totalSteps: 800, startsFromScratch: true, pruning: 80..<400, periods: 10),
      Case(totalSteps: 100, startsFromScratch: false, pruning: 5..<15, periods: 2),
      Case(totalSteps: 100, startsFromScratch: true, pruning: 10..<50, periods: 8),
      Case(totalSteps: 1, startsFromScratch: false, pruning: 0..<1, periods: 1),
      Case(totalSteps: 1, startsFromScratch: true, pruning: 0..<1, periods: 1),
    ])
  func defaults(example: Case) throws {
    var settings = HESSOSettings()
    settings.startsFromScratch = example.startsFromScratch
    let schedule = try HESSOSchedule(settings, totalSteps: example.totalSteps)
    #expect(schedule.start..<schedule.end == example.pruning && schedule.periods == example.periods)
    #expect(schedule.phase(example.pruning.upperBound) == .training)
    #expect(schedule.phase(example.pruning.lowerBound) == .pruning(period: 0, step: 0))
  }

  @Test("numbers that no run can have are refused", arguments: [0, -1, Int.max])
  func refused(number: Int) throws {
    var (multiple, periods) = (HESSOSettings(), HESSOSettings())
    multiple.roundTo = number
    periods.periods = number
    #expect(throws: TrainingError.self) { try multiple.check() }
    #expect(throws: TrainingError.self) { try periods.check() }
  }

  @Test("what is said counts, from scratch too", arguments: [false, true])
  func said(startsFromScratch: Bool) throws {
    var settings = HESSOSettings()
    settings.startsFromScratch = startsFromScratch
    (settings.start, settings.pruningSteps, settings.periods) = (3, 20, 4)
    let schedule = try HESSOSchedule(settings, totalSteps: 50)
    #expect(schedule.start..<schedule.end == 3..<23 && schedule.periods == 4)
  }
}
