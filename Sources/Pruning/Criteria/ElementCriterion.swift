import Analysis

/// A criterion that holds each element of a weight against a number measured of it, and adds up what comes of it over a
/// channel: rows, columns and vectors alike, whatever belongs to the channel and was measured.
///
/// A group of which nothing was measured is scored by its L2 norm, and that is said.
public protocol ElementCriterion: MemberCriterion {
  var measurement: Measurement { get }
  var term: ElementTerm { get }
}

extension ElementCriterion {
  public var measurements: Set<Measurement> { [measurement] }
  public var usualMembers: MemberScope { .all }

  public func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) throws -> [Double]? {
    context.elementSums(of: member, in: group, term, measurement)
  }

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let members = context.members(of: group, usually: usualMembers)
    let scores = try members.compactMap { try self.scores(of: $0, in: group, context: context) }
    guard !scores.isEmpty else { return try context.scoresWithoutMeasurement(of: group, for: self) }
    return context.aggregation.combine(scores, count: group.size).map { Float($0) }
  }
}

extension ScoringContext {
  /// The scores of a group none of whose weights was measured, which the user is told.
  func scoresWithoutMeasurement(of group: PruningGroup, for criterion: any Criterion) throws -> [Float] {
    noteFallback(group, "\(criterion.name): none of its weights was measured, scored by l2")
    return try Magnitude(power: .square).scores(for: group, in: self)
  }
}
