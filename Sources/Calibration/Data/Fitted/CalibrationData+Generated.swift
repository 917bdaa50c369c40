import Analysis
import IR
import Runtime
import Training

extension CalibrationData {
  /// Steps that pictures are fitted in where nothing else is said.
  public static let usualFitSteps = 100
  /// Steps that may be asked for; with none, samples stay as they are drawn.
  public static let fitStepRange = 0...10_000

  /// Samples for models nobody has data for, as near to what the model was trained on as the model itself tells.
  ///
  /// A convolutional network is given pictures that are fitted to it: they have the origin ``Origin/fitted``. It has
  /// one input, a picture of single or half precision, and at least two convolutions, with a bias or batch
  /// normalization, that gradients can be taken of. All other models are given ``noise(for:count:seed:shapes:)``; where
  /// fitting was tried in vain, ``remark`` says why.
  /// - Parameters:
  ///   - shapes: sizes of inputs that the model leaves open, but for the axis of samples.
  ///   - fitSteps: each runs 8 to 64 samples forward and backward, the fewer the larger pictures are.
  ///   - runtime: what fitting runs with, in single precision whatever it says.
  /// - Throws: ``TrainingError`` where ``noise(for:count:seed:shapes:)`` would, for a number of steps out of range, and
  ///   for samples of which one takes more memory than the machine has; what `progress` throws.
  public static func generated(
    for model: Model, count: Int, seed: UInt64, shapes: InputShapes = .none,
    fitSteps: Int = CalibrationData.usualFitSteps, runtime: RuntimeOptions = RuntimeOptions(),
    progress: Measuring.Progress = { _, _, _ in }
  ) throws -> CalibrationData {
    guard fitStepRange.contains(fitSteps) else {
      throw TrainingError(
        .settings, "\(fitSteps) steps of fitting samples; give a number from 0 to \(fitStepRange.upperBound)")
    }
    var plain = try noise(for: model, count: count, seed: seed, shapes: shapes)
    let inputs = try GeneratedInput.all(of: model, shapes: shapes)
    // Numbers of larger samples cannot even be counted.
    for input in inputs { _ = try input.byteCount(1) }
    guard fitSteps > 0, let fit = FittedSamples(model, inputs) else { return plain }
    switch try fit(count: count, steps: fitSteps, seed: seed, options: runtime, progress) {
    case .fitted(let numbers): return fitted(numbers, of: fit.input, count: count)
    case .left(let reason):
      plain.remark = "generated samples are not fitted to the model: \(reason)"
      return plain
    }
  }

  private static func fitted(_ numbers: [Float], of input: GeneratedInput, count: Int) -> CalibrationData {
    let size = numbers.count / max(1, count)
    return CalibrationData(count: count, origin: .fitted, source: "fitted noise", hasLabels: false) {
      range throws(TrainingError) in
      let chosen = Array(numbers[(range.lowerBound * size)..<(range.upperBound * size)])
      let tensor = Tensor(name: input.name, floats: chosen, shape: [range.count] + input.shape)
      return Samples(inputs: [input.name: tensor])
    }
  }
}
