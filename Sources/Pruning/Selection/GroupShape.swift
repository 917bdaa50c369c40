import Analysis

/// What groups have in common whose channels may be compared as they are: kind, size, and operator, axis and shape of
/// every member. The blocks of one stage of a network share it.
struct GroupShape: Hashable {
  private struct Member: Hashable, Comparable {
    let reader: String
    let axis: Int
    let shape: [Int]

    static func < (a: Member, b: Member) -> Bool {
      if a.reader != b.reader { return a.reader < b.reader }
      if a.axis != b.axis { return a.axis < b.axis }
      return a.shape.lexicographicallyPrecedes(b.shape)
    }
  }

  private let kind: DimensionKind
  private let size: Int
  private let members: [Member]

  init(_ group: PruningGroup, _ analysis: ModelAnalysis) {
    kind = group.kind
    size = group.size
    members = group.members.map { member in
      let weight = analysis.weights[member.weight]
      let reader = weight.readers.first.map { analysis.nodes[$0.node].opType } ?? ""
      return Member(reader: reader, axis: member.axis, shape: weight.tensor.shape)
    }.sorted()
  }

  /// Positions in `groups` of those of one shape, in order of the first of each.
  static func sets(_ groups: [PruningGroup], _ analysis: ModelAnalysis) -> [[Int]] {
    var sets: [[Int]] = []
    var setOfShape: [GroupShape: Int] = [:]
    for (position, group) in groups.enumerated() {
      let shape = GroupShape(group, analysis)
      if let set = setOfShape[shape] {
        sets[set].append(position)
      } else {
        setOfShape[shape] = sets.count
        sets.append([position])
      }
    }
    return sets
  }
}
