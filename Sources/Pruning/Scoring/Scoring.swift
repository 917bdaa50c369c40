import Analysis

/// How channels are scored: a criterion, and how its numbers are put together and made comparable.
public struct Scoring: Sendable {
  public var criterion: any Criterion
  public var aggregation = Aggregation.mean
  /// The weights looked at; `nil` for what is usual for the criterion.
  public var members: MemberScope?
  /// How groups are made comparable; `nil` for what is usual for the criterion.
  public var normalization: ScoreNormalization?
  public var seed: UInt64 = 0

  /// A criterion of your own, or one of ``Criteria``.
  public init(_ criterion: any Criterion) { self.criterion = criterion }

  /// The criterion users call by this name.
  public init(named name: String) throws(SelectionError) {
    guard let criterion = Criteria.named(name) else {
      throw .unknownName("criterion", name, known: Criteria.all.map(\.name))
    }
    self.init(criterion)
  }

  /// Which norm of the weights.
  public enum Norm: Sendable, ExpressibleByIntegerLiteral {
    case one, two

    /// 1 is the sum of magnitudes; everything else the root of the sum of squares.
    public init(integerLiteral value: Int) { self = value == 1 ? .one : .two }
  }

  /// The norm of a channel's weights.
  public static func magnitude(p norm: Norm) -> Scoring {
    Scoring(Magnitude(power: norm == .one ? .absolute : .square))
  }

  public static var batchNormScale: Scoring { Scoring(BatchNormScale()) }

  /// Drawn from a seed: the control.
  public static func random(seed: UInt64 = 0) -> Scoring {
    var scoring = Scoring(RandomScore())
    scoring.seed = seed
    return scoring
  }
}
