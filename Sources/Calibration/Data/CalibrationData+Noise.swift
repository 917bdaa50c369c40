import Analysis
import IR
import Training

extension CalibrationData {
  /// Samples drawn at random, for models nobody has data for.
  ///
  /// Pictures (one or three channels of two axes, in either usual order) are generated to look natural, see
  /// ``DeadLeaves``; other floating-point inputs are normal numbers of mean 0 and variance 1. Integers are rows of the
  /// table they are looked up in, each as likely; masks are ones.
  ///
  /// A sample depends on nothing but the seed, the input's name and the sample's number, so samples may be read in any
  /// order, and more of them change none of the first.
  /// - Parameter shapes: sizes of inputs that the model leaves open, but for the axis of samples.
  /// - Throws: where a size is open and not given, or an input of a kind that nothing is generated for.
  public static func noise(
    for model: Model, count: Int, seed: UInt64, shapes: InputShapes = .none
  ) throws(TrainingError) -> CalibrationData {
    guard count > 0 else {
      throw TrainingError(.settings, "\(count) samples of noise: nothing can be measured on none; ask for more")
    }
    let inputs = try GeneratedInput.all(of: model, shapes: shapes)
    guard !inputs.isEmpty else {
      throw TrainingError(.model, "the model has no inputs: there is nothing to generate, and nothing to measure")
    }
    return CalibrationData(count: count, origin: .generated, source: "noise", hasLabels: false) {
      range throws(TrainingError) in
      var tensors: [String: Tensor] = [:]
      for input in inputs { tensors[input.name] = try input.tensor(range, seed: seed) }
      return Samples(inputs: tensors)
    }
  }
}
