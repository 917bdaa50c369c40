/// How much is to go.
public enum Target: Sendable, Hashable {
  /// This share of the channels, between 0 and 1.
  case ratio(Double)
  /// As much as it takes to hold every budget, and no more.
  case budgets([Budget])

  public static func macs(_ limit: Limit) -> Target { .budgets([Budget(.macs, limit)]) }
  public static func parameters(_ limit: Limit) -> Target { .budgets([Budget(.parameters, limit)]) }
  public static func size(_ limit: Limit) -> Target { .budgets([Budget(.size, limit)]) }
}
