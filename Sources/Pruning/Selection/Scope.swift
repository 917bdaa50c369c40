/// Among which channels the least important are looked for.
public enum Scope: String, Sendable, CaseIterable {
  /// In each group by itself: every group loses the same share.
  case group
  /// In all groups together.
  case global
  /// In all groups of one kind and the same shapes together (Fang et al., "Isomorphic pruning", ECCV 2024).
  case isomorphic
}
