import CONNX
import IR

/// Reads ONNX models. Tensors stay in the mapped file until somebody reads them.
public enum ONNXReader {
  /// Loads a model.
  /// - Throws: where the file cannot be opened, is not a model, or a model that cannot be.
  public static func read(contentsOf path: String) throws(ONNXFileError) -> Model {
    try ModelFile(path: path).model()
  }

  /// Loads a model from memory; external data is looked for beside `path`.
  public static func read(_ owner: ByteOwner, path: String) throws(ONNXFileError) -> Model {
    let skeleton: Skeleton
    do {
      skeleton = try Skeleton(owner.bytes, message: .model) { UInt64($0.lowerBound) }
    } catch {
      throw .malformed(path: path, offset: error.offset, reason: error.reason)
    }
    let unpacked = skeleton.bytes.withUnsafeBufferPointer {
      onnx__model_proto__unpack(nil, $0.count, $0.baseAddress)
    }
    guard let unpacked else {
      throw .malformed(path: path, offset: 0, reason: "a field has an unexpected type or text is not UTF-8")
    }
    defer { onnx__model_proto__free_unpacked(unpacked, nil) }
    var decoder = ModelDecoder(path: path, source: owner)
    return try decoder.decode(unpacked.pointee)
  }
}

extension ONNXReader {
  /// The bytes of any file, mapped.
  public static func bytes(ofFile path: String) throws(ONNXFileError) -> ByteRegion {
    try ModelFile(path: path).bytes
  }
}
