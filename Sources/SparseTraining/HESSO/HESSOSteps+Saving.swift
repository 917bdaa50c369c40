import IR
import Training

extension HESSOSteps {
  public func savedState() -> [(name: String, tensor: Tensor)] {
    [
      ("step", Tensor(int64s: [Int64(step), Int64(schedule.start), cycle == nil ? 0 : 1])),
      ("units", Tensor(int64s: zip(gone, leaving).map { $0 ? 2 : $1 ? 1 : 0 })),
      ("found", Tensor(doubles: found)), ("terms", Tensor(doubles: terms.all.flatMap { $0 })),
    ] + (cycle?.savedState() ?? [])
  }

  public func restore(_ saved: [String: Tensor]) -> Bool {
    guard let numbers = saved["step"]?.integers(), numbers.count == 3,
      numbers.prefix(2).allSatisfy({ (0...schedule.totalSteps).contains($0) }),
      let units = saved["units"]?.integers(), units.count == table.count,
      let found = saved["found"]?.doubles(), found.isEmpty || found.count == table.count,
      let terms = saved["terms"]?.doubles(), terms.isEmpty || terms.count == 5 * table.count
    else { return false }
    if numbers[2] == 0 {
      cycle = nil
    } else if cycle?.restore(saved, parameters) != true {
      return false
    }
    (step, schedule.start, self.found) = (numbers[0], numbers[1], found)
    self.terms = SaliencyTerms(terms, count: terms.count / 5)
    gone = units.map { $0 == 2 }
    leaving = units.map { $0 == 1 }
    scalers = (UnitScaler(table, chosen: gone), UnitScaler(table, chosen: leaving))
    return true
  }
}
