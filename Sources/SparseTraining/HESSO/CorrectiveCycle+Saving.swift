import IR
import Runtime

extension CorrectiveCycle {
  func savedState() -> [(name: String, tensor: Tensor)] {
    let place: [Int64]
    switch phase {
    case .beginning: place = [0, 0, 0]
    case .trial(let index, let isTaken): place = [1, Int64(index), isTaken ? 1 : 0]
    case .cycle(let number, let step): place = [2, Int64(number), Int64(step)]
    }
    func flags(_ flags: [Bool]) -> Tensor { Tensor(int64s: flags.map { $0 ? 1 : 0 }) }
    return [
      ("cycle", Tensor(int64s: place + [Int64(samples), Int64(measured), Int64(rememberedStep)])),
      ("first", Tensor(doubles: first)),
      ("losses", Tensor(doubles: lossTerms + [reference])), ("sums", Tensor(doubles: sums)),
      ("violating", flags(violating)), ("entered", flags(entered)), ("history", flags(history)),
    ] + remembered.enumerated().map { ("remembered\($0)", Tensor(floats: $1)) }
      + rememberedState.enumerated().map { ("state\($0)", $1) }
  }

  mutating func restore(_ saved: [String: Tensor], _ parameters: Parameters) -> Bool {
    func flags(_ name: String) -> [Bool]? { saved[name]?.integers()?.map { $0 == 1 } }
    guard let numbers = saved["cycle"]?.integers(), numbers.count == 6,
      numbers.allSatisfy({ (0...Int(Int32.max)).contains($0) }),
      let first = saved["first"]?.doubles(), let losses = saved["losses"]?.doubles(),
      let sums = saved["sums"]?.doubles(), let violating = flags("violating"), let entered = flags("entered"),
      let history = flags("history"), losses.count == table.groups.count + 1,
      [sums.count, violating.count, entered.count, history.count].allSatisfy({ $0 == table.count })
    else { return false }
    switch numbers[0] {
    case 0: phase = .beginning
    case 1 where numbers[1] < trials.count: phase = .trial(numbers[1], isTaken: numbers[2] == 1)
    case 2 where numbers[1] < settings.cycles && numbers[2] < settings.samplingSteps:
      phase = .cycle(numbers[1], step: numbers[2])
    default: return false
    }
    remembered = []
    rememberedState = (0..<saved.count).map { "state\($0)" }.prefix { saved[$0] != nil }.compactMap { saved[$0] }
    if phase != .beginning {
      guard first.count == table.count else { return false }
      for (index, parameter) in parameters.all.enumerated() {
        guard let values = saved["remembered\(index)"]?.floats(), values.count == parameter.count else { return false }
        remembered.append(values)
      }
    }
    (samples, measured, rememberedStep, self.first) = (numbers[3], numbers[4], numbers[5], first)
    (lossTerms, reference) = (Array(losses.dropLast()), losses[losses.count - 1])
    (self.sums, self.violating, self.entered, self.history) = (sums, violating, entered, history)
    scaler = UnitScaler(table, chosen: violating)
    return true
  }
}
