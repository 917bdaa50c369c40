import Calibration

/// Whether and how layers make up for what was removed, by the names users know.
public enum LayerRepair: String, Sendable, CaseIterable {
  case none
  /// Each layer for itself.
  case parallel = "par"
  /// One after the other.
  case sequential = "seq"

  var order: Repair.Order? {
    switch self {
    case .none: nil
    case .parallel: .parallel
    case .sequential: .sequential
    }
  }
}
