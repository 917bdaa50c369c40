/// Why a file is not written where it should be.
///
/// The description is one line: what, where, and what to do about it.
public enum OutputError: Error, Sendable, Equatable, CustomStringConvertible {
  case exists(path: String)
  case isInput(path: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .exists(let path): "\(path): exists already; give --force to replace it"
    case .isInput(let path): "\(path): is a file the input is read from; choose another output"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  /// Whether the user asked for something that cannot be meant.
  public var isUsageError: Bool { if case .cannotWrite = self { false } else { true } }
}
