/// An upper bound: a share of what the model has now, or a number.
public enum Limit: Sendable, Hashable {
  /// More than 0, at most 1.
  case fraction(Double)
  case absolute(Int)

  /// Reads `50%`, `2.0e9` or `2G`; for sizes `20MB` or `512MiB` as well.
  ///
  /// `K`, `M`, `G` and `T` are powers of 1000, `Ki`, `Mi`, `Gi` and `Ti` powers of 1024; sizes may end in `B`.
  public init(parsing text: String, of quantity: Quantity) throws(SelectionError) {
    let error = SelectionError.unreadable(
      what: quantity.rawValue, text: text,
      expected: quantity == .size ? "such as 50%, 20MB or 512MiB" : "such as 50%, 2.5M or 2.0e9")
    let digits = text.prefix { $0.isASCII && ($0.isNumber || "+-.".contains($0)) }
    var number = String(digits)
    var unit = text.dropFirst(digits.count)
    if let first = unit.first, first == "e" || first == "E" {
      let exponent = unit.dropFirst().prefix { $0.isASCII && ($0.isNumber || "+-".contains($0)) }
      number += "e" + exponent
      unit = unit.dropFirst(1 + exponent.count)
    }
    while unit.first == " " { unit.removeFirst() }
    guard let value = Double(number), value.isFinite else { throw error }
    if unit == "%" {
      guard value > 0, value <= 100 else {
        throw .outOfRange(what: quantity.rawValue, value: text, allowed: "more than 0% and at most 100%")
      }
      self = .fraction(value / 100)
      return
    }
    guard let scale = Self.scale(unit, of: quantity) else { throw error }
    let scaled = (value * scale).rounded(.down)
    guard scaled >= 1 else { throw .outOfRange(what: quantity.rawValue, value: text, allowed: "at least 1") }
    guard scaled < 9e18 else { throw .outOfRange(what: quantity.rawValue, value: text, allowed: "less than 9e18") }
    self = .absolute(Int(scaled))
  }

  private static func scale(_ unit: Substring, of quantity: Quantity) -> Double? {
    var unit = unit.lowercased()
    if quantity == .size, unit.hasSuffix("b") { unit.removeLast() }
    let binary = unit.hasSuffix("i")
    if binary { unit.removeLast() }
    guard let power = ["": 0, "k": 1, "m": 2, "g": 3, "t": 4][unit], !(binary && power == 0) else { return nil }
    return (0..<power).reduce(1) { product, _ in product * (binary ? 1024 : 1000) }
  }

  /// The bound as a number, where the model has `original` now.
  func amount(of original: Int) -> Int {
    switch self {
    case .fraction(let share): Int((Double(original) * share).rounded(.down))
    case .absolute(let amount): amount
    }
  }

  var text: String {
    switch self {
    case .fraction(let share): "\((share * 1_000_000).rounded() / 10_000)%"
    case .absolute(let amount): "\(amount)"
    }
  }
}
