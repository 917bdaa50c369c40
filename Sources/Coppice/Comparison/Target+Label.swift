import Passes

extension Target {
  /// The target as people read it: `ratio 0.5`, `macs 50 %`.
  public var label: String {
    switch self {
    case .ratio(let share): "ratio \(share)"
    case .budgets(let budgets): budgets.map(\.label).joined(separator: ", ")
    }
  }
}

extension Budget {
  fileprivate var label: String {
    switch limit {
    case .fraction(let share): "\(quantity.rawValue) \(FixedPoint.text(share * 100, digits: 1)) %"
    case .absolute(let amount): "\(quantity.rawValue) \(FixedPoint.grouped(amount))"
    }
  }
}
