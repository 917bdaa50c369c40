import Files
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
    /// Files that must not be replaced whatever `overwrite` says, beside those the model was read from.
    public var protectedPaths: [String] = []
    /// More entries of the model's metadata, asked for when everything else is written: for what takes as long to
    /// find out as the rest takes to write.
    public var lastMetadata: @Sendable () -> [MetadataEntry] = { [] }
    /// Called with how many of how many bytes of tensors are written, after each of them.
    public var progress: @Sendable (_ written: Int, _ all: Int) -> Void = { _, _ in }

    public init() {}
  }

  /// Writes the model; it appears at `path` whole or not at all.
  ///
  /// External data goes beside `path`, to its name with `.data` behind. A link at `path` stays one; the file it
  /// leads to is replaced. The files the model was read from are never replaced.
  /// - Returns: the bytes written, external data included.
  @discardableResult
  public static func write(_ model: Model, to path: String, options: Options = Options()) throws(OutputError) -> Int {
    let sources = model.sources + options.protectedPaths.compactMap { FileIdentity(path: $0) }
    let place = try OutputPlace(path, overwrite: options.overwrite, protecting: sources)
    let dataPath = path + ".data"
    let dataName = dataPath.split(separator: "/").last.map(String.init) ?? dataPath
    let plan = ExternalPlan(model, mode: options.externalData, fileName: dataName)
    guard !plan.tensors.isEmpty else {
      var output = try message(of: model, plan, place, options)
      try output.publish()
      return output.byteCount
    }
    let dataPlace = try OutputPlace(dataPath, overwrite: options.overwrite, protecting: sources)
    var data = try OutputFile(at: dataPlace)
    let dataSize = plan.byteCount
    for entry in plan.tensors {
      try data.pad(to: entry.offset)
      try data.write(entry.payload)
      options.progress(data.byteCount, dataSize)
    }
    try data.finish(durable: options.durable)
    let dataBytes = data.byteCount
    var output = try message(of: model, plan, place, options)
    try Publication.publish(data: data, at: dataPlace) { () throws(OutputError) in try output.publish() }
    return output.byteCount + dataBytes
  }

  /// The model's message in a file that is finished but has not appeared yet.
  private static func message(
    of model: Model, _ plan: ExternalPlan, _ place: OutputPlace, _ options: Options
  ) throws(OutputError) -> OutputFile {
    let encoder = ModelEncoder(model, external: plan.places)
    var output = try OutputFile(at: place)
    try encode(encoder, to: &output, path: place.path, progress: plan.tensors.isEmpty ? options.progress : { _, _ in })
    if options.durable { try output.finish(durable: true) }
    // A repeated field may go on behind all others: readers put the parts together.
    let last = options.lastMetadata()
    if !last.isEmpty {
      try output.write(ModelEncoder.bytes(of: last))
    }
    try output.finish(durable: options.durable)
    return output
  }

  private static func encode(
    _ encoder: ModelEncoder, to output: inout OutputFile, path: String, progress: (Int, Int) -> Void
  ) throws(OutputError) {
    let payloads = encoder.payloads
    try encoder.skeleton.withUnsafeBufferPointer { (buffer) throws(OutputError) in
      let expansion = try expansion(UnsafeRawBufferPointer(buffer), path: path)
      guard expansion.byteCount < 1 << 31 else {
        throw .cannotWrite(path: path, reason: "the model has 2 GB or more; let its weights go to external data")
      }
      try expansion.stream(message: .model) { (bytes) throws(OutputError) in
        try output.write(bytes)
      } payload: { (placeholder) throws(OutputError) in
        try output.write(payloads[Int(placeholder.payload)])
        progress(output.byteCount, expansion.byteCount)
      }
    }
  }

  private static func expansion(
    _ skeleton: UnsafeRawBufferPointer, path: String
  ) throws(OutputError) -> Expansion {
    do throws(WireError) { return try Expansion(skeleton, message: .model) } catch {
      throw .cannotWrite(path: path, reason: "the model cannot be encoded: \(error.reason)")
    }
  }

  /// How many bytes the files of a model take, external data included.
  public static func byteCount(
    of model: Model, externalData: Options.ExternalData = .auto
  ) throws(OutputError) -> Int {
    let plan = ExternalPlan(model, mode: externalData, fileName: "model.data")
    let encoder = ModelEncoder(model, external: plan.places)
    let message = try encoder.skeleton.withUnsafeBufferPointer { buffer throws(OutputError) in
      try expansion(UnsafeRawBufferPointer(buffer), path: "").byteCount
    }
    return message + plan.byteCount
  }
}

extension ONNXWriter {
  /// - Throws: what writing to one of these paths would throw because of what is there already, or because they are
  ///   the same.
  public static func check(
    _ paths: [String], overwrite: Bool, protecting sources: [FileIdentity]
  ) throws(OutputError) {
    for path in paths { _ = try OutputPlace(path, overwrite: overwrite, protecting: sources) }
    let named = paths.sorted()
    for (path, next) in zip(named, named.dropFirst()) where path == next {
      throw .cannotWrite(path: path, reason: "it is named for two outputs")
    }
  }

  /// Writes a text file that appears whole or not at all, and never in the place of `sources`.
  public static func write(
    text: String, to path: String, overwrite: Bool, protecting sources: [FileIdentity] = []
  ) throws(OutputError) {
    let place = try OutputPlace(path, overwrite: overwrite, protecting: sources)
    var output = try OutputFile(at: place)
    try output.write(Array(text.utf8))
    try output.finish(durable: false)
    try output.publish()
  }
}
