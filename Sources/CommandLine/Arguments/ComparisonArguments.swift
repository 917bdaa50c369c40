import ArgumentParser
import Calibration
import Coppice
import DataSources
import Kernels
import Runtime
import Training

/// What pruned models are measured on, and on what before that channels are scored and layers repaired.
struct ComparisonArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Inputs and labels that criteria and repairs look at.", valueName: "path"), completion: .file())
  var data: String

  @Option(
    help: ArgumentHelp(
      "Inputs alone to look at instead, but for criteria that need labels: a path, or noise to have them generated.",
      valueName: "path"),
    completion: .file())
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      "Inputs and labels that models are evaluated on; those of --data by default, which flatters.", valueName: "path"),
    completion: .file())
  var test: String?

  @Option(
    help: ArgumentHelp("The file of the labels of --test, for IDX.", valueName: "path"), completion: .file())
  var testLabels: String?

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
  var precision = CalibrationArguments.Width.single

  @OptionGroup(title: "Data options") var source: DataArguments
  @OptionGroup var loss: LossArguments

  func validate() throws {
    if samples < 1 { throw ValidationError("--samples must be at least 1") }
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
    try CalibrationArguments.check(fitSteps: fitSteps, calibration: calibration)
    if testLabels != nil, test == nil { throw ValidationError("--test-labels needs --test, whose labels they are") }
  }

  /// The files that are read.
  func paths() throws -> [String] {
    let inputs = calibration == CalibrationArguments.noise ? nil : calibration
    return try source.paths(of: data, labels: source.labels)
      + (inputs.map { try source.paths(of: $0, labels: nil) } ?? [])
      + (test.map { try source.paths(of: $0, labels: testLabels) } ?? [])
  }

  /// What criteria and repairs look at; that with labels apart.
  /// - Parameter runtime: what noise is fitted to the model with.
  func calibrationData(
    for model: Model, shapes: InputShapes, seed: UInt64, runtime: RuntimeOptions, progress: Measuring.Progress
  ) throws -> (inputs: CalibrationData, labelled: CalibrationData) {
    let labelled = try CalibrationData(
      source.open(data), for: model, limit: samples, loss: loss.loss(), seed: seed)
    guard let calibration else { return (labelled, labelled) }
    if calibration == CalibrationArguments.noise {
      let generated = try CalibrationData.generated(
        for: model, count: samples, seed: seed, shapes: shapes, fitSteps: fitSteps ?? CalibrationData.usualFitSteps,
        runtime: runtime, progress: progress)
      return (generated, labelled)
    }
    let inputs = try source.specification(calibration, labels: nil).open()
    return (try CalibrationData(inputs, for: model, limit: samples, seed: seed), labelled)
  }

  /// What models are evaluated on, and how pictures in it lie.
  func testData() throws -> (data: any Dataset, layout: ImageLayout) {
    let specification = try source.specification(test ?? data, labels: test == nil ? source.labels : testLabels)
    let option = test == nil ? "--labels" : "--test-labels"
    return (try specification.openLabelled(by: option), specification.layout)
  }

  func measuring(seed: UInt64, runtime: RuntimeOptions) -> Measuring.Options {
    var options = Measuring.Options()
    options.batch = batch
    options.seed = seed
    options.runtime = runtime
    options.runtime.precision = precision == .double ? .double : .single
    return options
  }

  func repairing(seed: UInt64, runtime: RuntimeOptions) -> Repair.Options {
    var options = Repair.Options()
    options.batch = batch
    options.seed = seed
    options.runtime = runtime
    return options
  }
}
