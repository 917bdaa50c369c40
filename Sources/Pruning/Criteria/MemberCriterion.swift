import Analysis

/// A criterion that scores each weight of a group by itself; the scores are then put together by an ``Aggregation``.
public protocol MemberCriterion: Criterion {
  /// The weights it looks at where the user did not say.
  var usualMembers: MemberScope { get }

  /// What one weight says of each channel; `nil` where it says nothing.
  func scores(
    of member: PruningGroup.Member, in group: PruningGroup, context: ScoringContext
  ) throws -> [Double]?
}

extension MemberCriterion {
  public var usualMembers: MemberScope { .matrices }

  public func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
    let members = context.members(of: group, usually: usualMembers)
    let scores = try members.compactMap { try self.scores(of: $0, in: group, context: context) }
    return context.aggregation.combine(scores, count: group.size).map { Float($0) }
  }
}
