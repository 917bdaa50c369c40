/// Why a pass did not do what was asked; each case is an exit code of its own.
public enum PassError: Error, Sendable, CustomStringConvertible {
  case invalidModel(String)
  /// What was asked cannot be reached.
  case impossible(String)
  case nothingPruned(String)
  /// Two models differ that should not.
  case mismatch(String)
  case usage(String)
  case other(String)
  case cancelled

  public var description: String {
    switch self {
    case .invalidModel(let text), .impossible(let text), .nothingPruned(let text), .mismatch(let text),
      .usage(let text), .other(let text):
      text
    case .cancelled: "cancelled"
    }
  }
}
