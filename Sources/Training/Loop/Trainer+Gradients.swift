import DataSources
import IR
import Runtime

extension Trainer {
  /// The gradients of the loss of the next batch with respect to every trained parameter, by its name, without a step.
  ///
  /// Where the loss does not depend on a parameter, its gradient is zero.
  public func gradients() throws(TrainingError) -> (loss: Double, gradients: [Tensor]) {
    let batch = try queue.batch(step * settings.accumulation)
    let loss = try run(batch, step * settings.accumulation).loss
    return (loss, parameters.trained.map { program.gradient(of: $0) })
  }
}
