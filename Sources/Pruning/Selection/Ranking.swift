import Analysis

/// The channels of a group that there still are, from the most to the least important.
struct Ranking: Sendable {
  /// Index into ``ModelAnalysis/groups``.
  let group: Int
  /// One for each channel of the whole group.
  let scores: [Double]
  /// Equal scores keep the lower index, so that nothing depends on the order of a sort.
  let order: [Int32]

  /// - Parameter alive: the channels that there still are; `nil` for all.
  init(group: Int, scores: [Double], alive: [Int32]? = nil) {
    self.group = group
    self.scores = scores
    let channels = alive?.map { Int($0) } ?? Array(scores.indices)
    order = channels.sorted { (scores[$0], $1) > (scores[$1], $0) }.map { Int32($0) }
  }

  /// The indices of the `count` most important channels, ascending.
  func best(_ count: Int) -> [Int32] { order.prefix(count).sorted() }
}

/// Sets of groups whose channels are ranked together: what goes first of each, and how much stays for a given share.
struct RankedSets: Sendable {
  /// For each set its number of channels, how many of them are gone already and, from the first to go on, the groups
  /// (by position) that lose one each.
  private let sets: [(size: Int, gone: Int, order: [Int32])]
  /// For each group how many channels there still are.
  private let available: [Int]

  /// - Parameters:
  ///   - rankings: the groups that are cut.
  ///   - bounds: of the same groups. What is protected is never in the order.
  ///   - sets: positions in `rankings` of the groups of each set.
  ///   - score: the score of a channel in comparison to those of other groups; it must not change the order inside a
  ///     group, where `rank` counts from 0 for the most important.
  init(
    _ rankings: [Ranking], bounds: [GroupBounds], sets: [[Int]],
    score: (_ position: Int, _ rank: Int, _ score: Double) -> Double
  ) {
    available = bounds.map(\.available)
    self.sets = sets.map { set in
      var units: [(score: Double, position: Int32, rank: Int32)] = []
      for position in set where bounds[position].exact == nil {
        let ranking = rankings[position]
        for rank in bounds[position].protected..<bounds[position].available {
          let value = score(position, rank, ranking.scores[Int(ranking.order[rank])])
          units.append((value, Int32(position), Int32(rank)))
        }
      }
      // Of equal scores those furthest down in their groups go first, then those of later groups.
      units.sort { ($0.score, $1.rank, $1.position) < ($1.score, $0.rank, $0.position) }
      let cut = set.filter { bounds[$0].exact == nil }
      return (
        set.reduce(0) { $0 + bounds[$1].size }, cut.reduce(0) { $0 + bounds[$1].size - bounds[$1].available },
        units.map(\.position)
      )
    }
  }

  /// How many channels of each group stay if each set loses this share of its channels, as far as they may go. What is
  /// gone already counts towards the share.
  func kept(share: Double) -> [Int] {
    var kept = available
    for set in sets {
      let removed = Int((Double(set.size) * share + 1e-9).rounded(.down)) - set.gone
      for position in set.order.prefix(max(0, removed)) { kept[Int(position)] -= 1 }
    }
    return kept
  }

  /// How finely a share can matter: no set is larger.
  var resolution: Int { max(4096, sets.reduce(0) { max($0, $1.size) }) }
}
