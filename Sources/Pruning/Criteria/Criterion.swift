import Analysis

/// Says how much each channel of a group matters. Channels with the lowest scores go first.
///
/// A criterion of your own needs ``scores(for:in:)`` only, and is used by ``Scoring/init(_:)``. One that looks at the
/// weights of a group one by one is better written as a ``MemberCriterion``, which leaves putting the members' scores
/// together to the options the user chose.
public protocol Criterion: Sendable {
  /// The name users choose it by; the type's own where nothing is said.
  var name: String { get }

  /// What it measures, in a line.
  var summary: String { get }

  /// What has to be found out by running the model first; ``ScoringContext/evidence`` then holds it.
  var measurements: Set<Measurement> { get }

  /// How scores of different groups are made comparable where the user did not say.
  var usualNormalization: ScoreNormalization { get }

  /// How far costs enter a ranking over several groups where the user did not say: 1 for scores that are losses.
  var usualCostExponent: Double { get }

  /// One number for each index of the group's dimension. Numbers that are not finite rank last.
  func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float]
}

extension Criterion {
  public var name: String { "\(Self.self)" }
  public var summary: String { "" }
  public var measurements: Set<Measurement> { [] }
  public var usualNormalization: ScoreNormalization { .mean }
  public var usualCostExponent: Double { CostWeighting.usualExponent }
}
