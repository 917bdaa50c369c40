import Analysis
import Dimensions
import IR

/// Says how much each channel of a group matters. Channels with the lowest scores go first.
public protocol Criterion: Sendable {
  /// The name users choose it by.
  var name: String { get }

  /// One number for each index of the group's dimension.
  func scores(for group: PruningGroup, in context: inout ScoringContext) -> [Float]
}

/// The criteria users can name. Every one is listed here and nowhere else.
public enum Criteria {
  public static let all: [any Criterion] = [Magnitude(power: .absolute), Magnitude(power: .square), RandomScore()]

  public static func named(_ name: String) -> (any Criterion)? { all.first { $0.name == name } }
}
