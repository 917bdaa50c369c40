/// What can be wrong with a model file, or with the place one should be written to.
public enum ONNXFileError: Error, Sendable, CustomStringConvertible {
  case cannotOpen(path: String, reason: String)
  /// The bytes are not a protobuf message.
  case malformed(path: String, offset: Int, reason: String)
  /// The message is one, but not of a model.
  case invalidModel(path: String, place: String, reason: String)
  case externalData(path: String, tensor: String, reason: String)
  case outputExists(path: String)
  case outputIsInput(path: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason)"
    case .malformed(let path, let offset, let reason):
      "\(path): not an ONNX model: \(reason) at byte \(offset); check that the file is complete"
    case .invalidModel(let path, let place, let reason): "\(path): invalid model: \(place): \(reason)"
    case .externalData(let path, let tensor, let reason): "\(path): external data of tensor \(tensor): \(reason)"
    case .outputExists(let path): "\(path): exists already; give --force to replace it"
    case .outputIsInput(let path): "\(path): is a file the input is read from; choose another output"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  /// Whether the input is at fault, rather than the output's place.
  public var isInputError: Bool {
    switch self {
    case .cannotOpen, .malformed, .invalidModel, .externalData: true
    case .outputExists, .outputIsInput, .cannotWrite: false
    }
  }

  /// Whether the user asked for something that cannot be meant.
  public var isUsageError: Bool {
    switch self {
    case .outputExists, .outputIsInput: true
    default: false
    }
  }
}

/// The system's words for `errno`.
func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }

#if canImport(Glibc)
  import Glibc
#endif
