import Analysis
import ArgumentParser
import Calibration
import Coppice
import DataSources
import IR
import Runtime
import Training

/// What a model is run on before channels are scored: criteria may need its gradients, or what its layers see.
struct CalibrationArguments: ParsableArguments {
  enum Width: String, ExpressibleByArgument, CaseIterable {
    case single, double
  }

  @Option(
    help: ArgumentHelp("Inputs and labels, for criteria that look at gradients.", valueName: "path"),
    completion: .file())
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Inputs alone, for criteria that look at what layers see: a path, or noise to have them generated.",
      valueName: "path"),
    completion: .file())
  var calibration: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Samples that are looked at, at most.", valueName: "number"))
  var samples = 256

  @Option(parsing: .unconditional, help: ArgumentHelp("Samples of a run.", valueName: "number"))
  var batch = 32

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Steps in which generated pictures are fitted to a convolutional network; 0 leaves "
        + "them as they are (default: 100).", valueName: "number"))
  var fitSteps: Int?

  @Option(help: ArgumentHelp("Precision that is measured in.", valueName: "width"))
  var precision = Width.single

  @OptionGroup(title: "Data options") var source: DataArguments
  @OptionGroup var loss: LossArguments

  func validate() throws {
    if samples < 1 { throw ValidationError("--samples must be at least 1") }
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
    if data != nil, calibration != nil {
      throw ValidationError("--data and --calibration exclude each other; data serve for calibration too")
    }
    try Self.check(fitSteps: fitSteps, calibration: calibration)
  }

  /// Refuses a number of steps that cannot be meant, and one that changes nothing.
  static func check(fitSteps: Int?, calibration: String?) throws {
    guard let fitSteps else { return }
    let range = CalibrationData.fitStepRange
    guard range.contains(fitSteps) else {
      throw ValidationError("--fit-steps must be from \(range.lowerBound) to \(range.upperBound)")
    }
    guard calibration == noise else {
      throw ValidationError("--fit-steps is for generated samples; it needs --calibration noise")
    }
  }

  /// The samples; `nil` where none are given.
  /// - Parameters:
  ///   - shapes: of inputs whose sizes the model leaves open, for noise.
  ///   - seed: which samples are drawn of more.
  ///   - runtime: what noise is fitted to the model with.
  func calibrationData(
    for model: Model, shapes: InputShapes = .none, seed: UInt64, runtime: RuntimeOptions = RuntimeOptions(),
    progress: Measuring.Progress
  ) throws -> CalibrationData? {
    if let data {
      let dataset = try source.open(data)
      // Without labels they serve the criteria that need none.
      let loss = dataset.field(labelField) == nil ? nil : self.loss.loss()
      return try CalibrationData(dataset, for: model, limit: samples, loss: loss, seed: seed)
    }
    guard let calibration else { return nil }
    if calibration == Self.noise {
      return try CalibrationData.generated(
        for: model, count: samples, seed: seed, shapes: shapes, fitSteps: fitSteps ?? CalibrationData.usualFitSteps,
        runtime: runtime, progress: progress)
    }
    let dataset = try source.specification(calibration, labels: nil).open()
    return try CalibrationData(dataset, for: model, limit: samples, seed: seed)
  }

  static let noise = "noise"

  /// What runs the model on the samples.
  func measuring(
    _ model: Model, _ analysis: ModelAnalysis, on samples: CalibrationData?, seed: UInt64, runtime: RuntimeOptions
  ) -> Measuring {
    Measuring(model, analysis, data: samples, loss: loss.loss(), options: options(seed: seed, runtime: runtime))
  }

  func options(seed: UInt64, runtime: RuntimeOptions) -> Measuring.Options {
    var options = Measuring.Options()
    options.batch = batch
    options.seed = seed
    options.runtime = runtime
    options.runtime.precision = precision == .double ? .double : .single
    return options
  }
}
