import Calibration

/// Takes the statistics of batch normalizations anew: each is given the mean and variance its input has on samples; see
/// `Recalibration`.
public struct RecalibratePass: Pass {
  public static let name = "recalibrate"
  public static let abstract = "Takes the means and variances of batch normalizations anew on samples."
  public static let options: [PassOption] = SampleOptions.descriptionsOfRealSamples

  private let samples: SampleReader
  private let batch: Int

  /// - Parameter batch: samples of a run.
  public init(batch: Int = 32, samples: @escaping SampleReader) {
    self.samples = samples
    self.batch = batch
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    guard options.text("calibration") != SampleOptions.noise else {
      throw ConfigError(options.location(of: "calibration"), Self.refusal)
    }
    self.init(
      batch: options.integer("batch") ?? 32, samples: try SampleOptions.required(options, of: Self.name))
  }

  private static let refusal =
    "pass recalibrate takes no noise: statistics of generated samples are not those of real data; give a file"

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let data = try samples(model, context)
    guard data.origin == .natural else { throw PassError.usage("\(context.source.path): \(Self.refusal)") }
    var recalibration = Recalibration()
    recalibration.batch = batch
    let (recalibrated, count) = try recalibration(model, on: data, progress: context.measuringProgress)
    if count == 0 {
      context.logger.notice("remark: nothing to recalibrate: no batch normalization holds statistics of its own")
    }
    model = recalibrated
    return PassReport(isModified: count > 0, statistics: [("normalizations", .int(count))])
  }
}
