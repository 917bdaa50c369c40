import Analysis

/// Scores drawn from the seed and the group's name: the control every criterion is measured against.
public struct RandomScore: Criterion {
  public let name = "random"
  public let summary = "drawn from the seed, the control for all others"

  public init() {}

  public func scores(for group: PruningGroup, in context: ScoringContext) -> [Float] {
    // FNV-1a of the name, so that a group draws the same numbers whatever other groups there are.
    var state = group.id.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    state ^= context.seed &* 0x9E37_79B9_7F4A_7C15
    return (0..<group.size).map { _ in
      // SplitMix64. Frozen: plans depend on it.
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      return Float(z >> 40) / Float(1 << 24)
    }
  }
}
