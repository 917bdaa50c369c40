import Analysis

/// What was asked for, and what came of it: the part of a plan that says how it was made.
public struct SelectionRecord: Sendable {
  /// What became of one budget.
  public struct Outcome: Sendable, Equatable {
    public let quantity: Quantity
    /// As the user said it.
    public let limit: Limit
    /// The limit as a number.
    public let atMost: Int
    public let original: Int
    public let achieved: Int

    /// Whether no more was removed than needed, give or take a hundredth of the original.
    public var isTight: Bool { achieved >= original || Double(atMost - achieved) <= 0.01 * Double(original) }

    /// `macs: 49.8 % of the original (2054321 of at most 2059000)`.
    public var text: String {
      let tenths = original > 0 ? Int((Double(achieved) / Double(original) * 1000).rounded()) : 0
      return "\(quantity.rawValue): \(tenths / 10).\(tenths % 10) % of the original (\(achieved) of at most \(atMost))"
    }
  }

  public let options: SelectionOptions
  /// The name of the criterion.
  public let criterion: String
  public let aggregation: Aggregation
  /// `nil` where each criterion's usual weights were looked at.
  public let members: MemberScope?
  /// How groups were made comparable.
  public let normalization: ScoreNormalization
  /// How far costs entered a ranking over several groups.
  public let costExponent: Double
  public let seed: UInt64
  /// How often channels were scored and removed.
  public let rounds: Int
  /// Whether channels were swapped for others afterwards.
  public internal(set) var isRefined = false
  /// One for each budget, in the order they were given; empty for a ratio.
  public let budgets: [Outcome]
  /// For each rule how many groups it matches.
  public let groupsMatched: [Int]

  init(
    scoring: Scoring, normalization: ScoreNormalization, options: SelectionOptions, groupsMatched: [Int],
    budgets: [(quantity: Quantity, limit: Int, original: Int)], after: ModelStatistics,
    otherBytes: Int, rounds: Int
  ) {
    self.options = options
    criterion = scoring.criterion.name
    aggregation = scoring.aggregation
    members = scoring.members ?? (scoring.criterion as? any MemberCriterion)?.usualMembers
    self.normalization = normalization
    costExponent = options.costExponent ?? scoring.criterion.usualCostExponent
    seed = scoring.seed
    self.rounds = rounds
    self.groupsMatched = groupsMatched
    guard case .budgets(let asked) = options.target else {
      self.budgets = []
      return
    }
    self.budgets = zip(asked, budgets).map { budget, numbers in
      Outcome(
        quantity: budget.quantity, limit: budget.limit, atMost: numbers.limit, original: numbers.original,
        achieved: after.amount(budget.quantity, otherBytes: otherBytes))
    }
  }

  var json: JSONText {
    var pairs: [(String, JSONText)] = [
      ("criterion", .string(criterion)), ("aggregate", .string(aggregation.rawValue)),
      ("members", members.map { .string($0.rawValue) } ?? .null), ("normalise", .string(normalization.rawValue)),
      ("seed", .string("\(seed)")), ("scope", .string(options.effectiveScope.rawValue)),
      ("kinds", .string(options.kinds.text)), ("roundTo", .int(options.roundTo)),
      ("exactOnly", .bool(options.exactOnly)), ("minKeepShare", .double(options.effectiveKeepShare)),
      ("maxRatio", options.maximumRatio.map { .double($0) } ?? .null),
    ]
    if rounds > 1 { pairs.append(("rounds", .int(rounds))) }
    if isRefined { pairs.append(("refined", .bool(true))) }
    switch options.target {
    case .ratio(let ratio): pairs.append(("ratio", .double(ratio)))
    case .budgets:
      pairs.append(("costExponent", .double(costExponent)))
      pairs.append(("budgets", .array(budgets.map(\.json))))
    }
    let rules = zip(options.rules, groupsMatched).map { rule, groups in
      JSONText.object([("rule", .string(rule.text)), ("groups", .int(groups))])
    }
    return .object(pairs + [("rules", .array(rules))])
  }
}

extension SelectionRecord.Outcome {
  var json: JSONText {
    .object([
      ("quantity", .string(quantity.rawValue)), ("asked", .string(limit.text)), ("atMost", .int(atMost)),
      ("achieved", .int(achieved)), ("original", .int(original)),
    ])
  }
}
