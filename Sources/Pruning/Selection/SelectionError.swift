/// Why nothing can be selected.
public enum SelectionError: Error, Sendable, CustomStringConvertible {
  /// A text that does not say what it should.
  case unreadable(what: String, text: String, expected: String)
  /// A name of something (a criterion, a kind) that there is not.
  case unknownName(String, String, known: [String])
  /// A number outside its range.
  case outOfRange(what: String, value: String, allowed: String)
  /// A rule that concerns nothing in the model.
  case matchesNothing(rule: String, suggestion: String?)
  /// Budgets that cannot be met: for each what was asked for and the least that can be reached.
  case unsatisfiable([(quantity: Quantity, limit: Int, nearest: Int, original: Int)])

  /// Whether the request as such is wrong, whatever the model.
  public var isUsageError: Bool { if case .unsatisfiable = self { false } else { true } }

  public var description: String {
    switch self {
    case .unreadable(let what, let text, let expected): return "\(what): cannot read \"\(text)\"; expected \(expected)"
    case .unknownName(let what, let name, let known):
      return "there is no \(what) \(name)\(Suggestion.text(for: name, among: known))"
    case .outOfRange(let what, let value, let allowed): return "\(what) must be \(allowed), not \(value)"
    case .matchesNothing(let rule, let suggestion):
      return "rule \(rule) matches nothing in the model" + (suggestion.map { "; did you mean \($0)?" } ?? "")
    case .unsatisfiable(let budgets):
      let parts = budgets.map { budget in
        let share = budget.original > 0 ? 100 * Double(budget.nearest) / Double(budget.original) : 0
        // Somebody who writes 50 for a hundred million means percent.
        let hint = (1...100).contains(budget.limit) ? " (did you mean \(budget.limit)%?)" : ""
        return "\(budget.quantity.rawValue) of at most \(budget.limit) cannot be reached\(hint); "
          + "the least is \(budget.nearest) (\(Double(Int(share * 10)) / 10) % of \(budget.original))"
      }
      return parts.joined(separator: "; ") + "; allow more, loosen rules and protections, or cut more kinds"
    }
  }
}
