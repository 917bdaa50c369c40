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

  @OptionGroup var sampling: SamplingArguments

  func validate() throws {
    if data != nil, calibration != nil {
      throw ValidationError("--data and --calibration exclude each other; data serve for calibration too")
    }
    try sampling.checkFitSteps(calibration: calibration)
  }

  /// The files that are read.
  func paths() throws -> [String] {
    if let data { return try sampling.source.paths(of: data, labels: sampling.source.labels) }
    return try calibration.map { try sampling.paths(ofInputs: $0) } ?? []
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
      let dataset = try sampling.source.open(data)
      // Without labels they serve the criteria that need none.
      let loss = dataset.field(labelField) == nil ? nil : sampling.loss.loss()
      return try CalibrationData(dataset, for: model, limit: sampling.limit, loss: loss, seed: seed)
    }
    guard let calibration else { return nil }
    return try sampling.inputs(
      calibration, for: model, shapes: shapes, seed: seed, runtime: runtime, progress: progress)
  }

  /// What runs the model on the samples.
  func measuring(
    _ model: Model, _ analysis: ModelAnalysis, on samples: CalibrationData?, seed: UInt64, runtime: RuntimeOptions
  ) -> Measuring {
    Measuring(
      model, analysis, data: samples, loss: sampling.loss.loss(),
      options: sampling.measuring(seed: seed, runtime: runtime))
  }
}
