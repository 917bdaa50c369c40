/// Runs a pipeline file: reads the model, runs the passes, and writes what the file asks for, all or nothing.
public struct PipelineRun: Sendable {
  public let records: [PassRecord]
  public let before: ModelStatistics
  public let after: ModelStatistics
  public let seconds: Double
  public let model: Model
  private let file: PipelineFile
  private let digest: @Sendable () -> String

  /// Everything that talks or stops is the caller's: see ``Context``.
  public struct Options: Sendable {
    public var overwrite = false
    /// SHA-256 of the model's file, on demand.
    public var digest: @Sendable () -> String = { "" }
    /// Changes the context before the first pass.
    public var configure: @Sendable (inout Context) -> Void = { _ in }

    public init() {}
  }

  /// Runs the passes. Nothing is written but what a pass writes itself.
  public init(_ file: PipelineFile, options: Options = Options()) throws {
    self.file = file
    digest = options.digest
    let start = ContinuousClock.now
    let plans = file.pipeline.passes.filter { $0 is PrunePass }.count
    guard file.output.plan == nil || plans == 1 else {
      throw PassError.usage("\(file.path): output.plan needs exactly one prune pass, there are \(plans)")
    }
    guard !file.output.writesReport || file.output.model != nil else {
      throw PassError.usage("\(file.path): output.report goes beside output.model, which is not set")
    }
    let original = try Model(contentsOf: file.modelPath)
    var context = Context(
      model: original, source: Context.Source(path: file.modelPath, digest: options.digest), seed: file.seed,
      folder: ConfigFile.folder(of: file.path), overwrite: options.overwrite)
    context.inputShapes = file.inputShapes
    options.configure(&context)
    before = ModelStatistics(try context.analysis(of: original))
    try ONNXWriter.check(
      [file.output.model, file.output.plan, file.reportPath].compactMap { $0 }, overwrite: options.overwrite,
      protecting: original.sources + [FileIdentity(path: file.path)].compactMap { $0 })
    var model = original
    records = try file.pipeline.run(&model, in: context)
    self.model = model
    let isModified = records.contains(where: \.report.isModified)
    after = isModified ? ModelStatistics(try context.analysis(of: model)) : before
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    self.seconds = Double(seconds) + Double(attoseconds) / 1e18
  }

  /// Writes the model, the plan and the report.
  public func write(overwrite: Bool, options: ONNXWriter.Options = .init()) throws {
    if let path = file.output.model {
      var options = options
      options.overwrite = overwrite
      options.externalData = file.output.externalData
      options.protectedPaths = [file.modelPath, file.path]
      if let last = records.last(where: { $0.report.plan != nil })?.report.plan {
        let digest = digest
        options.lastMetadata = {
          var plan = last
          plan.modelDigest = digest()
          return Model.sourceEntries(model: plan.modelDigest, plan: plan.digest)
        }
      }
      try ONNXWriter.write(model, to: path, options: options)
    }
    if let path = file.output.plan, var plan = records.compactMap(\.report.plan).first {
      plan.modelDigest = digest()
      try ONNXWriter.write(
        text: plan.text, to: path, overwrite: overwrite, protecting: model.sources)
    }
    if let path = file.reportPath {
      try ONNXWriter.write(
        text: json.text(linesTo: 2) + "\n", to: path, overwrite: overwrite, protecting: model.sources)
    }
  }

  /// The report for programs.
  public var json: JSONText {
    .object([
      ("version", .int(1)),
      ("model", .object([("path", .string(file.modelPath)), ("sha256", .string(digest()))])),
      ("output", file.output.model.map { .string($0) } ?? .null), ("seed", .int(Int(clamping: file.seed))),
      ("before", before.json), ("after", after.json), ("seconds", .double(seconds)),
      ("passes", .array(records.map(\.json))),
    ])
  }
}

extension PipelineFile {
  /// Beside the model: `small.report.json` for `small.onnx`.
  var reportPath: String? {
    guard output.writesReport, let model = output.model else { return nil }
    return (model.hasSuffix(".onnx") ? String(model.dropLast(5)) : model) + ".report.json"
  }
}
