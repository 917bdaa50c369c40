/// What can be wrong with a model file.
public enum ONNXFileError: Error, Sendable, CustomStringConvertible {
  case cannotOpen(path: String, reason: String)
  /// The bytes are not a protobuf message.
  case malformed(path: String, offset: Int, reason: String)
  /// The message is one, but not of a model.
  case invalidModel(path: String, place: String, reason: String)
  case externalData(path: String, tensor: String, reason: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason)"
    case .malformed(let path, let offset, let reason):
      "\(path): not an ONNX model: \(reason) at byte \(offset); check that the file is complete"
    case .invalidModel(let path, let place, let reason): "\(path): invalid model: \(place): \(reason)"
    case .externalData(let path, let tensor, let reason): "\(path): external data of tensor \(tensor): \(reason)"
    }
  }
}
