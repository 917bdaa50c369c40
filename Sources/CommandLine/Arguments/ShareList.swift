import ArgumentParser

/// Shares divided by commas, such as `0.25,0.5` or `25%,50%`, each once and in the order given.
struct ShareList: ExpressibleByArgument {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  init?(argument: String) {
    var values: [Double] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let share = Share(argument: String(part)) else { return nil }
      if !values.contains(share.value) { values.append(share.value) }
    }
    self.values = values
  }

  var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }

  /// - Throws: where a share is not above zero and below one.
  /// - Parameter allowsOne: whether one is a share as well.
  func check(_ option: String, allowsOne: Bool = false) throws {
    let wrong = values.first { !($0 > 0 && ($0 < 1 || (allowsOne && $0 == 1))) }
    guard let wrong else { return }
    let range = allowsOne ? "more than 0 and at most 1" : "between 0 and 1"
    throw ValidationError("\(option) must be \(range), not \(wrong)")
  }
}
