/// How channels are scored.
public struct Scoring: Sendable {
  private enum Choice {
    case named(String)
    case given(any Criterion)
  }

  private let choice: Choice

  /// A criterion of your own.
  public init(_ criterion: any Criterion) { choice = .given(criterion) }

  private init(name: String) { choice = .named(name) }

  /// The project's criterion of that name.
  public static func named(_ name: String) -> Scoring { Scoring(name: name) }

  /// - Throws: where there is no criterion of the name asked for.
  func criterion() throws(PassError) -> any Criterion {
    switch choice {
    case .given(let criterion): return criterion
    case .named(let name):
      if let criterion = Criteria.named(name) { return criterion }
      throw .usage("there is no criterion \(name)\(Suggestion.text(for: name, among: Criteria.all.map(\.name)))")
    }
  }

  /// Norms of weights.
  public enum Norm: Int, Sendable, ExpressibleByIntegerLiteral {
    case one = 1
    case two = 2

    /// 1 is the sum of absolute values; everything else the root of the sum of squares.
    public init(integerLiteral value: Int) { self = value == 1 ? .one : .two }
  }

  /// The norm of each channel's weights.
  public static func magnitude(p norm: Norm) -> Scoring {
    Scoring(name: norm == .one ? "l1" : "l2")
  }

  public static let random = Scoring(name: "random")
}
