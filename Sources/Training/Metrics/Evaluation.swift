import DataSources
import IR
import Runtime

/// Measures a model on data.
public struct Evaluation {
  public let loss: Loss
  public let batch: Int
  public let options: RuntimeOptions

  public init(_ loss: Loss, batch: Int = 64, options: RuntimeOptions = RuntimeOptions()) {
    self.loss = loss
    self.batch = max(1, batch)
    self.options = options
  }

  /// Looks at model and data for whatever would be found only in the middle of the work otherwise.
  public func check(_ model: Model, on data: any Dataset) throws(TrainingError) { _ = try prepare(model, data) }

  /// Runs the model on all samples, none of them augmented.
  /// - Parameter progress: is told how many of how many samples are done; returns whether to go on.
  /// - Throws: where model and data do not fit, before anything runs.
  public func callAsFunction(
    _ model: Model, on data: any Dataset, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws(TrainingError) -> Metrics {
    let (fit, size, output) = try prepare(model, data)
    var metrics = Metrics(loss.kind)
    let count = fit.data.count
    do {
      let session = try Session(model, options: options)
      for start in stride(from: 0, to: count, by: size) {
        let batch = try fit.batch(Array(start..<min(count, start + size)), epoch: 0)
        let results = try session.run(batch.inputs)
        guard let result = results[output] else { break }
        try metrics.add(result, labels: batch.labels)
        guard progress(min(count, start + size), count) else { break }
      }
    } catch {
      throw TrainingError(wrapping: error)
    }
    return metrics
  }

  private func prepare(
    _ model: Model, _ data: any Dataset
  ) throws(TrainingError) -> (fit: DataFit, batch: Int, output: String) {
    let fit = try DataFit(model, data.withoutAugmentation, loss)
    let batch = fit.fixedBatch ?? min(self.batch, max(1, data.count))
    if let fixed = fit.fixedBatch, data.count % fixed != 0 {
      throw TrainingError(
        .data,
        "\(data.source): holds \(counted(data.count, "sample")), the model takes \(fixed) at once; "
          + "give a multiple of \(fixed)")
    }
    let (shapes, labels) = fit.shapes(batch: batch)
    let output = try LossOutput(model, loss, inputShapes: shapes)
    if !loss.hasClasses, let shape = output.shape, shape.reduce(1, *) != labels.reduce(1, *) {
      throw TrainingError(.data, "\(data.source): targets have shape \(labels), outputs \(shape); reshape the targets")
    }
    // A teacher is no help here: what is measured is agreement with labels.
    try fit.check(model, output: output.shape, batch: batch, needsLabels: true)
    return (fit, batch, output.name)
  }
}
