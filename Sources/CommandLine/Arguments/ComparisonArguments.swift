import ArgumentParser
import Calibration
import Coppice
import DataSources
import IR
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

  @OptionGroup var sampling: SamplingArguments

  func validate() throws {
    try sampling.checkFitSteps(calibration: calibration)
    if testLabels != nil, test == nil { throw ValidationError("--test-labels needs --test, whose labels they are") }
  }

  /// The files that are read.
  func paths() throws -> [String] {
    let source = sampling.source
    return try source.paths(of: data, labels: source.labels)
      + (calibration.map { try sampling.paths(ofInputs: $0) } ?? [])
      + (test.map { try source.paths(of: $0, labels: testLabels) } ?? [])
  }

  /// What criteria and repairs look at; that with labels apart.
  /// - Parameter runtime: what noise is fitted to the model with.
  func calibrationData(
    for model: Model, shapes: InputShapes, seed: UInt64, runtime: RuntimeOptions, progress: Measuring.Progress
  ) throws -> (inputs: CalibrationData, labelled: CalibrationData) {
    let labelled = try CalibrationData(
      sampling.source.open(data), for: model, limit: sampling.limit, loss: sampling.loss.loss(), seed: seed)
    guard let calibration else { return (labelled, labelled) }
    let inputs = try sampling.inputs(
      calibration, for: model, shapes: shapes, seed: seed, runtime: runtime, progress: progress)
    return (inputs, labelled)
  }

  /// What models are evaluated on, and how pictures in it lie.
  func testData() throws -> (data: any Dataset, layout: ImageLayout) {
    let specification = try sampling.source.specification(
      test ?? data, labels: test == nil ? sampling.source.labels : testLabels)
    let option = test == nil ? "--labels" : "--test-labels"
    return (try specification.openLabelled(by: option), specification.layout)
  }
}
