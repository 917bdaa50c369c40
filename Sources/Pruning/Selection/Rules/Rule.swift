import Analysis

/// What holds for some of the groups instead of what holds for all.
///
/// A group matches if any weight of it does, by its own name or by the name or the operator of a node that reads it.
/// Rules are read in order, and of those that match a group the last one holds.
public struct Rule: Sendable, Hashable {
  /// What a rule looks at. All matches of one rule have to hold.
  public enum Match: Sendable, Hashable {
    /// Names of nodes or tensors.
    case name(Glob)
    case node(Glob)
    case tensor(Glob)
    /// Identifiers of groups, as `coppice groups` prints them.
    case group(Glob)
    /// Types of operators.
    case operators([String])
    case kinds([DimensionKind])
  }

  public enum Action: Sendable, Hashable {
    /// All channels stay.
    case keep
    case cut(Limits)
  }

  /// Bounds for a group; what is `nil` is as everywhere else.
  public struct Limits: Sendable, Hashable {
    /// Exactly this share goes, whatever the target; groups of kinds that are not cut otherwise are cut as well.
    public var ratio: Double?
    /// At most this share goes.
    public var maximumRatio: Double?
    /// At least this many channels stay.
    public var minimumKeep: Int?
    /// At least this share of the channels stays.
    public var minimumKeepShare: Double?
    /// Multiples the kept number is rounded to.
    public var roundTo: Int?

    public init() {}
  }

  public var matches: [Match]
  public var action: Action

  public init(_ matches: [Match], _ action: Action) {
    self.matches = matches
    self.action = action
  }

  /// The rule as users write it.
  public var text: String { matches.map(\.text).joined(separator: "&") + ":" + action.text }
}

extension Rule.Match {
  var text: String {
    switch self {
    case .name(let glob): glob.pattern
    case .node(let glob): "node=\(glob.pattern)"
    case .tensor(let glob): "tensor=\(glob.pattern)"
    case .group(let glob): "group=\(glob.pattern)"
    case .operators(let names): "op=\(names.joined(separator: ","))"
    case .kinds(let kinds): "kind=\(kinds.map(\.rawValue).joined(separator: ","))"
    }
  }
}

extension Rule.Action {
  var text: String {
    guard case .cut(let limits) = self else { return "keep" }
    let parts = [
      limits.ratio.map { "ratio=\($0)" }, limits.maximumRatio.map { "max-ratio=\($0)" },
      limits.minimumKeep.map { "min-keep=\($0)" }, limits.minimumKeepShare.map { "min-keep-share=\($0)" },
      limits.roundTo.map { "round-to=\($0)" },
    ]
    return parts.compactMap { $0 }.joined(separator: ",")
  }
}
