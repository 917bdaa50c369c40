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

  /// Runs the model on all samples.
  /// - Parameter progress: is told how many of how many samples are done; returns whether to go on.
  public func callAsFunction(
    _ model: Model, on data: any Dataset, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws(TrainingError) -> Metrics {
    var metrics = Metrics(loss.kind)
    let fit = try DataFit(model, data, loss)
    do {
      let session = try Session(model, options: options)
      let output = try fit.outputName(of: model, loss)
      for start in stride(from: 0, to: data.count, by: batch) {
        let batch = try fit.batch(Array(start..<min(data.count, start + batch)), epoch: 0)
        let results = try session.run(batch.inputs)
        guard let result = results[output] else { break }
        try metrics.add(result, labels: batch.labels)
        guard progress(min(data.count, start + self.batch), data.count) else { break }
      }
    } catch {
      throw TrainingError(wrapping: error)
    }
    return metrics
  }
}
