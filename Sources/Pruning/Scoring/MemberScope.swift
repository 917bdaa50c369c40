import Analysis

/// Which weights of a group a criterion looks at.
public enum MemberScope: String, Sendable, CaseIterable {
  /// Matrices and kernels whose rows make the channels.
  case producers
  /// Matrices and kernels whose columns read them.
  case consumers
  /// Both. Vectors (biases, scales, running statistics) are on a scale of their own and stay out.
  case matrices
  /// Every weight, vectors too.
  case all

  /// The members in this scope; where there are none, the matrices; where there are none of those either, all.
  func members(of group: PruningGroup, _ weights: [Weight]) -> [PruningGroup.Member] {
    let matrices = group.members.filter { weights[$0.weight].tensor.shape.count(where: { $0 > 1 }) > 1 }
    let chosen: [PruningGroup.Member]
    switch self {
    case .producers: chosen = matrices.filter { $0.role == .producer }
    case .consumers: chosen = matrices.filter { $0.role == .consumer }
    case .matrices: chosen = matrices
    case .all: chosen = group.members
    }
    return !chosen.isEmpty ? chosen : !matrices.isEmpty ? matrices : group.members
  }
}
