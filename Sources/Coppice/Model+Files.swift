extension Model {
  /// Loads an ONNX model; its tensors stay in the file until they are read.
  public init(contentsOf path: String) throws(ONNXFileError) {
    self = try ONNXReader.read(contentsOf: path)
  }

  /// Writes the model; it appears at `path` whole or not at all.
  public func write(to path: String, options: ONNXWriter.Options = .init()) throws(OutputError) {
    try ONNXWriter.write(self, to: path, options: options)
  }
}
