import ArgumentParser
import Calibration
import Coppice
import DataSources
import IR
import Runtime

/// How samples are taken and looked at, whatever they are for.
struct SamplingArguments: ParsableArguments {
  enum Width: String, ExpressibleByArgument, CaseIterable {
    case single, double
  }

  @Option(
    name: .customLong("samples"), parsing: .unconditional,
    help: ArgumentHelp("Samples that are looked at, at most.", valueName: "number"))
  var limit = 256

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

  @OptionGroup var source: DataArguments
  @OptionGroup var loss: LossArguments

  /// What stands for generated inputs in place of a path.
  static let noise = "noise"

  func validate() throws {
    if limit < 1 { throw ValidationError("--samples must be at least 1") }
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
  }

  /// Refuses a number of steps that cannot be meant, and one that changes nothing.
  /// - Parameter calibration: the inputs that are given; see ``inputs(_:for:shapes:seed:runtime:progress:)``.
  func checkFitSteps(calibration: String?) throws {
    guard let fitSteps else { return }
    let range = CalibrationData.fitStepRange
    guard range.contains(fitSteps) else {
      throw ValidationError("--fit-steps must be from \(range.lowerBound) to \(range.upperBound)")
    }
    guard calibration == Self.noise else {
      throw ValidationError("--fit-steps is for generated samples; it needs --calibration noise")
    }
  }

  /// The files that are read for inputs alone; none where they are generated.
  func paths(ofInputs calibration: String) throws -> [String] {
    guard calibration != Self.noise else { return [] }
    return try source.paths(of: calibration, labels: nil)
  }

  /// Inputs alone.
  /// - Parameters:
  ///   - calibration: their path, or ``noise`` to have them generated.
  ///   - shapes: of inputs whose sizes the model leaves open, for noise.
  ///   - seed: which samples are drawn of more.
  ///   - runtime: what noise is fitted to the model with.
  func inputs(
    _ calibration: String, for model: Model, shapes: InputShapes, seed: UInt64, runtime: RuntimeOptions,
    progress: Measuring.Progress
  ) throws -> CalibrationData {
    guard calibration == Self.noise else {
      let dataset = try source.specification(calibration, labels: nil).open()
      return try CalibrationData(dataset, for: model, limit: limit, seed: seed)
    }
    return try CalibrationData.generated(
      for: model, count: limit, seed: seed, shapes: shapes, fitSteps: fitSteps ?? CalibrationData.usualFitSteps,
      runtime: runtime, progress: progress)
  }

  func measuring(seed: UInt64, runtime: RuntimeOptions) -> Measuring.Options {
    var options = Measuring.Options()
    options.batch = batch
    options.seed = seed
    options.runtime = measuringRuntime(runtime)
    return options
  }

  /// What models are run with where something is measured: in the precision that is asked for.
  func measuringRuntime(_ runtime: RuntimeOptions) -> RuntimeOptions {
    RuntimeOptions(precision: precision == .double ? .double : .single, workers: runtime.workers)
  }

  func repairing(seed: UInt64, runtime: RuntimeOptions) -> Repair.Options {
    var options = Repair.Options()
    options.batch = batch
    options.seed = seed
    options.runtime = runtime
    return options
  }
}
