import Glibc
import IR

/// Writes ONNX models. Tensors go from the input's map to the output; pruned ones are gathered on the way.
public enum ONNXWriter {
  public struct Options: Sendable {
    public enum ExternalData: Sendable {
      /// Outside where it was outside in the input, or where the file would pass protobuf's 2 GB.
      case auto
      case always
      case never
    }

    public var externalData = ExternalData.auto
    public var overwrite = false
    /// Whether the bytes are on the disk, not only in its cache, before the file appears.
    public var durable = true
    /// Files that must not be replaced whatever `overwrite` says: the inputs.
    public var protectedPaths: [String] = []

    public init() {}
  }

  /// Writes the model; it appears at `path` whole or not at all.
  /// - Returns: the bytes written, external data included.
  @discardableResult
  public static func write(_ model: Model, to path: String, options: Options = Options()) throws(ONNXFileError) -> Int {
    try check(path, options)
    let dataPath = path + ".data"
    let plan = ExternalPlan(model, mode: options.externalData, fileName: fileName(dataPath))
    var total = 0
    if !plan.tensors.isEmpty {
      try check(dataPath, options)
      var data = try OutputFile(path: dataPath)
      for entry in plan.tensors {
        try data.pad(to: entry.offset)
        try data.write(entry.payload)
      }
      try data.finish(durable: options.durable)
      total += try writeMessage(model, plan, path, options) { () throws(ONNXFileError) in try data.publish() }
      total += data.byteCount
    } else {
      total += try writeMessage(model, plan, path, options) { () throws(ONNXFileError) in }
    }
    return total
  }

  private static func writeMessage(
    _ model: Model, _ plan: ExternalPlan, _ path: String, _ options: Options,
    beforePublishing: () throws(ONNXFileError) -> Void
  ) throws(ONNXFileError) -> Int {
    let encoder = ModelEncoder(model) { plan.place(of: $0) }
    var output = try OutputFile(path: path)
    try encode(encoder, to: &output, path: path)
    try output.finish(durable: options.durable)
    try beforePublishing()
    try output.publish()
    return output.byteCount
  }

  private static func encode(
    _ encoder: ModelEncoder, to output: inout OutputFile, path: String
  ) throws(ONNXFileError) {
    let payloads = encoder.payloads
    try encoder.skeleton.withUnsafeBufferPointer { (buffer) throws(ONNXFileError) in
      let expansion: Expansion
      do throws(WireError) { expansion = try Expansion(UnsafeRawBufferPointer(buffer), message: .model) } catch {
        throw .cannotWrite(path: path, reason: "the model cannot be encoded: \(error.reason)")
      }
      guard expansion.byteCount < 1 << 31 else {
        throw .cannotWrite(path: path, reason: "the model has 2 GB or more; let its weights go to external data")
      }
      try expansion.stream(message: .model) { (bytes) throws(ONNXFileError) in
        try output.write(bytes)
      } payload: { (placeholder) throws(ONNXFileError) in
        try output.write(payloads[Int(placeholder.payload)])
      }
    }
  }

  // MARK: Places

  private static func check(_ path: String, _ options: Options) throws(ONNXFileError) {
    var information = stat()
    guard stat(path, &information) == 0 else { return }
    for protected in options.protectedPaths {
      var other = stat()
      guard stat(protected, &other) == 0 else { continue }
      if other.st_dev == information.st_dev, other.st_ino == information.st_ino { throw .outputIsInput(path: path) }
    }
    guard information.st_mode & S_IFMT == S_IFREG else { throw .cannotWrite(path: path, reason: "it is not a file") }
    guard options.overwrite else { throw .outputExists(path: path) }
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// Which tensors go to external data, and where in it.
struct ExternalPlan {
  struct Entry {
    let payload: Payload
    let offset: Int
  }

  private(set) var tensors: [Entry] = []
  private var offsets: [String: Int] = [:]
  private let fileName: String
  private let minimumBytes: Int

  /// Only initializers of the main graph move, which is where every exporter keeps what is large.
  init(_ model: Model, mode: ONNXWriter.Options.ExternalData, fileName: String) {
    self.fileName = fileName
    let inlineBytes = model.graph.initializers.reduce(0) { total, initializer in
      if case .external = initializer.tensor.encoding { return total }
      return total + initializer.tensor.byteCount
    }
    let isTooLarge = inlineBytes > Int(Int32.max) - (1 << 20)
    minimumBytes = 1024
    guard mode != .never else { return }
    var offset = 0
    for initializer in model.graph.initializers {
      let tensor = initializer.tensor
      var goesOut = mode == .always && tensor.byteCount >= minimumBytes
      if case .external = tensor.encoding { goesOut = true }
      if isTooLarge, tensor.byteCount >= minimumBytes { goesOut = true }
      guard goesOut, let name = tensor.name, offsets[name] == nil else { continue }
      let payload: Payload
      switch tensor.storage {
      case .bytes(let region): payload = .region(region)
      case .view(let view): payload = .view(view)
      case .strings: continue
      }
      if payload.byteCount >= 4096 { offset = (offset + 4095) & ~4095 }
      offsets[name] = offset
      tensors.append(Entry(payload: payload, offset: offset))
      offset += payload.byteCount
    }
  }

  func place(of tensor: Tensor) -> (file: String, offset: Int)? {
    guard let name = tensor.name, let offset = offsets[name] else { return nil }
    return (fileName, offset)
  }
}

extension ONNXWriter {
  /// Writes a text file that appears whole or not at all.
  public static func write(text: String, to path: String, overwrite: Bool) throws(ONNXFileError) {
    var options = Options()
    options.overwrite = overwrite
    try check(path, options)
    var output = try OutputFile(path: path)
    try Array(text.utf8).withUnsafeBufferPointer { bytes throws(ONNXFileError) in
      try output.write(UnsafeRawBufferPointer(bytes))
    }
    try output.finish(durable: false)
    try output.publish()
  }
}
