import Files
import IR

/// A model's file, mapped once for all who read it.
public struct ModelFile: Sendable {
  public let path: String
  public let bytes: ByteRegion
  private let identity: FileIdentity

  /// - Throws: where the file cannot be opened.
  public init(path: String) throws(ONNXFileError) {
    let file: MappedFile
    do throws(InputError) { file = try MappedFile(path: path) } catch {
      throw .cannotOpen(path: path, reason: error.reason)
    }
    self.path = path
    identity = file.identity
    bytes = ByteRegion(owner: file.owner, offset: 0, count: file.owner.bytes.count)
  }

  /// Loads the model; its tensors stay in the file until they are read.
  /// - Throws: where the bytes are not a model, or one that cannot be.
  public func model() throws(ONNXFileError) -> Model {
    var model = try ONNXReader.read(bytes.owner, path: path)
    model.sources.append(identity)
    return model
  }
}
