import Analysis

/// What to remove, as users say it.
public struct SelectionOptions: Sendable {
  public enum Kinds: Sendable, Equatable {
    /// What a practitioner expects, and of an axis that is a product one factor only.
    case usual
    case all
    case only(Set<DimensionKind>)
  }

  /// Share of each chosen dimension that goes, 0 to 1.
  public var ratio: Double
  public var kinds = Kinds.usual
  /// Kept sizes of axes are rounded to multiples of this.
  public var roundTo = 8
  /// Leaves dimensions alone whose removal is not the same as zeroing.
  public var exactOnly = false
  public var seed: UInt64 = 0

  public init(ratio: Double) { self.ratio = ratio }

  static let usualKinds: Set<DimensionKind> = [.channel, .feedForward, .head, .keyValueGroup, .hidden, .expert]
}
