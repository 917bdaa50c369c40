import Analysis
import IR
import Pruning
import Runtime
import Training

extension Measuring {
  /// One number for each element of each weight, by index into the analysis's weights; `nil` for weights that a
  /// gradient is not taken of, such as running statistics and quantized integers.
  ///
  /// All but the synaptic flow are taken of the mean loss over all samples, with batch normalization by its running
  /// statistics and without dropout. What is of second order is computed in double precision whatever was asked for:
  /// see ``Curvature``.
  func elements(_ measurement: Measurement, _ progress: Progress) throws -> [Tensor?] {
    switch measurement {
    case .gradients: try gradients(progress)
    case .squaredGradients: try squaredGradients(progress)
    case .gradientFlow(let temperature): try gradientFlow(temperature, progress)
    case .hessianDiagonal: try hessianDiagonal(progress)
    case .synapticFlow: try synapticFlow(progress)
    case .inputStatistics, .removalLosses, .stepwiseLosses: []
    }
  }

  private func gradients(_ progress: Progress) throws -> [Tensor?] {
    let prepared = try DifferentiableModel(model, analysis)
    let gradients = try lossGradients(prepared, batch: options.batch)
    var done = 0
    let means = try gradients.mean { samples in
      done += samples
      try progress("gradients", done, gradients.sampleCount)
    }
    return prepared.tensors(means, of: gradients.parameters)
  }

  /// Each sample is a batch of its own: the square of a batch's mean gradient is another number.
  private func squaredGradients(_ progress: Progress) throws -> [Tensor?] {
    let prepared = try DifferentiableModel(model, analysis)
    let gradients = try lossGradients(prepared, batch: 1)
    guard gradients.batchSize == 1 else {
      throw TrainingError(
        .settings,
        "the model takes exactly \(gradients.batchSize) samples at once, but gradients of single samples are needed; "
          + "give a model that takes any number")
    }
    var done = 0
    let squares = try gradients.meanSquares(of: prepared.places(in: gradients.parameters)) { samples in
      done += samples
      try progress("gradients of samples", done, gradients.sampleCount)
    }
    return prepared.tensors(byWeight: squares)
  }

  private func gradientFlow(_ temperature: Float, _ progress: Progress) throws -> [Tensor?] {
    let prepared = try DifferentiableModel(model, analysis)
    let gradients = try lossGradients(
      prepared, temperature: temperature, batch: options.batch, precision: .double)
    var done = 0
    // One pass for the direction, two for the difference along it.
    let all = 3 * gradients.sampleCount
    let direction = try gradients.mean { samples in
      done += samples
      try progress("gradient flow", done, all)
    }
    let product = try Curvature(gradients).product(with: direction) { samples in
      done += samples
      try progress("gradient flow", done, all)
    }
    return prepared.tensors(product, of: gradients.parameters)
  }

  private func hessianDiagonal(_ progress: Progress) throws -> [Tensor?] {
    let prepared = try DifferentiableModel(model, analysis)
    let gradients = try lossGradients(prepared, batch: options.batch, precision: .double)
    var done = 0
    let all = 2 * max(1, options.probes) * gradients.sampleCount
    let diagonal = try Curvature(gradients).diagonal(probes: options.probes, seed: options.seed) { samples in
      done += samples
      try progress("curvature", done, all)
    }
    let trained = gradients.parameters.trained
    // Of what no probe moved nothing is known.
    return zip(
      prepared.tensors(diagonal, of: gradients.parameters), prepared.places(in: gradients.parameters)
    ).map { tensor, places in places.contains { Curvature.isMoved(trained[$0]) } ? tensor : nil }
  }

  /// - Parameter precision: that of the computation; where it is not given, what was asked for, or double precision
  ///   where weights are stored in it.
  private func lossGradients(
    _ prepared: DifferentiableModel, temperature: Float = 1, batch: Int, precision: Precision? = nil
  ) throws(TrainingError) -> LossGradients {
    guard let data else { throw TrainingError(.settings, "gradients need data with labels (--data)") }
    var runtime = options.runtime
    runtime.precision = precision ?? (hasWideWeights ? .double : runtime.precision)
    return try LossGradients(prepared.model, data, loss, temperature: temperature, batch: batch, options: runtime)
  }

  private var hasWideWeights: Bool {
    analysis.groups.contains { group in
      group.members.contains { analysis.weights[$0.weight].tensor.dataType == .double }
    }
  }
}
