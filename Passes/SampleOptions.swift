import Calibration
import DataSources
import Training

/// Reads or generates samples for a model.
public typealias SampleReader = @Sendable (Model, Context) throws -> CalibrationData

/// What pipeline files say of the samples a pass runs the model on, and what it means.
enum SampleOptions {
  /// - Parameter data: what data are for.
  static func descriptions(data: String = SampleOptions.plainData) -> [PassOption] {
    descriptions(
      data: data, calibration: "Inputs alone: a file, or noise to have them generated; data serve for it too.")
      + [fitting]
  }

  /// For passes that take no generated samples.
  static var descriptionsOfRealSamples: [PassOption] {
    descriptions(data: plainData, calibration: "Inputs alone: a file of real ones; data serve for it too.")
  }

  static let plainData = "Inputs to run the model on; labels are not looked at."

  private static let fitting = PassOption(
    "fit_steps", .integer(atLeast: 0), default: "\(CalibrationData.usualFitSteps)",
    help: "Steps in which generated pictures are fitted to a convolutional network.")

  /// For passes that measure moments of what layers read.
  static let momentMemory = PassOption(
    "moment_memory", .integer(atLeast: 1), default: "1024",
    help: "Memory that second moments of layers may take at a time, in MB.")

  private static func descriptions(data: String, calibration: String) -> [PassOption] {
    [
      PassOption("data", .path, help: data),
      PassOption("calibration", .text, help: calibration),
      PassOption("samples", .integer(atLeast: 1), default: "256", help: "Samples that are looked at, at most."),
      PassOption("batch", .integer(atLeast: 1), default: "32", help: "Samples of a run."),
    ]
  }

  /// What `calibration` says where samples are to be generated.
  static let noise = "noise"

  /// What reads the samples; gives `nil` where none are asked for.
  /// - Parameter loss: what labels of data are for; without, they are not looked at.
  static func optional(
    _ options: OptionValues, loss: Loss? = nil
  ) throws(ConfigError) -> @Sendable (Model, Context) throws -> CalibrationData? {
    let count = options.integer("samples") ?? 256
    let (data, inputs) = (options.text("data"), options.text("calibration"))
    guard data == nil || inputs == nil else {
      throw ConfigError(options.location(of: "calibration"), "data and calibration exclude each other")
    }
    let fitSteps = options.integer("fit_steps") ?? CalibrationData.usualFitSteps
    let range = CalibrationData.fitStepRange
    guard range.contains(fitSteps) else {
      throw ConfigError(
        options.location(of: "fit_steps"), "fit_steps must be from \(range.lowerBound) to \(range.upperBound)")
    }
    guard inputs == noise || options.integer("fit_steps") == nil else {
      throw ConfigError(
        options.location(of: "fit_steps"), "fit_steps is for generated samples; it needs calibration: noise")
    }
    return { model, context in
      guard inputs != SampleOptions.noise else {
        return try generated(for: model, count: count, fitSteps: fitSteps, in: context)
      }
      guard let path = data ?? inputs else { return nil }
      let dataset = try DataSpecification(path: context.resolve(path)).open()
      let isLabelled = data != nil && dataset.field(labelField) != nil
      return try CalibrationData(
        dataset, for: model, limit: count, loss: isLabelled ? loss : nil, seed: context.seed)
    }
  }

  /// Bytes that moments of layers may take at a time; `nil` where nothing is said.
  static func memoryBudget(_ options: OptionValues) throws(ConfigError) -> Int? {
    guard let megabytes = options.integer("moment_memory") else { return nil }
    let range = PruneCalibration.momentMemoryRange
    guard range.contains(megabytes) else {
      throw ConfigError(
        options.location(of: "moment_memory"),
        "moment_memory must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return megabytes << 20
  }

  private static func generated(
    for model: Model, count: Int, fitSteps: Int, in context: Context
  ) throws -> CalibrationData {
    let data = try CalibrationData.generated(
      for: model, count: count, seed: context.seed, shapes: context.inputShapes, fitSteps: fitSteps,
      progress: context.measuringProgress)
    if let remark = data.remark { context.logger.notice("remark: \(remark)") }
    return data
  }

  /// What reads the samples of a pass that cannot do without.
  static func required(_ options: OptionValues, of pass: String) throws(ConfigError) -> SampleReader {
    guard options.text("data") != nil || options.text("calibration") != nil else {
      throw ConfigError(options.location, "pass \(pass) needs samples: data or calibration")
    }
    let read = try optional(options)
    return { model, context in
      guard let data = try read(model, context) else {
        throw PassError.usage("pass \(pass) needs samples: data or calibration")
      }
      return data
    }
  }
}
