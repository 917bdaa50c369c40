import Calibration

/// Adds to the bias of every layer that lost columns what these made on average over samples; see `BiasCorrection`. The
/// weights stay as they are.
public struct BiasCorrectionPass: Pass {
  public static let name = "bias-correction"
  public static let abstract =
    "Adds to the bias of each layer that prune took columns from what these made on average."
  public static let options: [PassOption] = SampleOptions.descriptions()

  private let samples: SampleReader
  private let batch: Int

  /// - Parameter batch: samples of a run.
  public init(batch: Int = 32, samples: @escaping SampleReader) {
    self.samples = samples
    self.batch = batch
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    self.init(
      batch: options.integer("batch") ?? 32, samples: try SampleOptions.required(options, of: Self.name))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let cut = try PipelineCut(for: Self.name, in: context)
    let data = try samples(cut.original, context)
    var options = BiasCorrection.Options()
    options.batch = batch
    options.seed = context.seed
    let correction = BiasCorrection(of: cut.original, cut.analysis, keep: cut.keep, options: options)
    let (corrected, report) = try correction(model, on: data, progress: context.measuringProgress)
    for (label, reason) in report.skipped { context.logger.notice("remark: \(label) is not corrected: \(reason)") }
    model = corrected
    return PassReport(
      isModified: !report.layers.isEmpty,
      statistics: [
        ("correctedLayers", .int(report.layers.count)), ("skippedLayers", .int(report.skipped.count)),
      ])
  }
}
