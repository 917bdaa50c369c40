import Analysis

/// What to remove, as users say it.
public struct SelectionOptions: Sendable {
  public enum Kinds: Sendable, Equatable {
    /// What a practitioner expects, and of an axis that is a product one factor only.
    case usual
    case all
    case only(Set<DimensionKind>)

    /// Reads `all`, or kinds divided by commas.
    public init(parsing text: String) throws(SelectionError) {
      if text == "all" {
        self = .all
        return
      }
      var kinds: Set<DimensionKind> = []
      guard !text.isEmpty else { throw .unreadable(what: "kinds", text: text, expected: "all or a list of kinds") }
      for name in text.split(separator: ",", omittingEmptySubsequences: false) {
        kinds.insert(try DimensionKind(parsing: String(name)))
      }
      self = .only(kinds)
    }

    var text: String {
      switch self {
      case .usual: "usual"
      case .all: "all"
      case .only(let kinds): kinds.map(\.rawValue).sorted().joined(separator: ",")
      }
    }
  }

  public var target: Target
  public var kinds = Kinds.usual
  /// `nil`: each group by itself for a ratio, all together for budgets.
  public var scope: Scope?
  /// Kept sizes of axes are rounded to multiples of this where they are large enough.
  public var roundTo = 8
  /// Least share of each group that stays; `nil`: a tenth where channels of several groups are ranked together.
  public var minimumKeepShare: Double?
  /// Largest share of each group that goes.
  public var maximumRatio: Double?
  /// In order; the last one that matches a group is the one that holds for it.
  public var rules: [Rule] = []
  /// How far costs enter the ranking for budgets: score / cost^exponent; see ``CostWeighting``.
  public var costExponent: Double?
  /// Leaves dimensions alone whose removal is not the same as zeroing.
  public var exactOnly = false
  /// Bytes of the model's files that are not elements of parameter tensors, for budgets of size.
  public var otherBytes = 0
  /// Bytes that pruning adds to the files at most: copies of shared vectors, what it writes down about itself.
  public var addedBytes = 0

  public init(_ target: Target) { self.target = target }

  /// Removes this share of each chosen dimension, 0 to 1.
  public init(ratio: Double) { self.init(.ratio(ratio)) }

  var effectiveScope: Scope {
    if let scope { return scope }
    if case .ratio = target { return .group }
    return .global
  }

  var effectiveKeepShare: Double { minimumKeepShare ?? (effectiveScope == .group ? 0 : 0.1) }

  static let usualKinds: Set<DimensionKind> = [.channel, .feedForward, .head, .keyValueGroup, .hidden, .expert]

  /// Checks every number against its range.
  public func validate() throws(SelectionError) {
    switch target {
    case .ratio(let ratio):
      guard ratio > 0, ratio < 1 else {
        throw .outOfRange(what: "the ratio", value: "\(ratio)", allowed: "between 0 and 1")
      }
    case .budgets(let budgets):
      guard !budgets.isEmpty else { throw .outOfRange(what: "the budgets", value: "none", allowed: "at least one") }
    }
    guard roundTo > 0 else { throw .outOfRange(what: "round-to", value: "\(roundTo)", allowed: "at least 1") }
    if let share = minimumKeepShare, !(0...1).contains(share) {
      throw .outOfRange(what: "min-keep-share", value: "\(share)", allowed: "from 0 to 1")
    }
    if let ratio = maximumRatio, !(0...1).contains(ratio) {
      throw .outOfRange(what: "max-ratio", value: "\(ratio)", allowed: "from 0 to 1")
    }
    if let costExponent, !(0...2).contains(costExponent) {
      throw .outOfRange(what: "cost-exponent", value: "\(costExponent)", allowed: "from 0 to 2")
    }
  }
}

extension DimensionKind {
  /// Reads a kind as users name it.
  public init(parsing name: String) throws(SelectionError) {
    guard let kind = DimensionKind(rawValue: name) else {
      throw .unknownName("kind", name, known: Self.allCases.map(\.rawValue))
    }
    self = kind
  }
}
