import Coppice

/// Teaches a model a quantile of what is measured at x, by the pinball loss: max(q·(y − p), (q − 1)·(y − p)).
func learnQuantile(_ quantile: Float, of measurements: [(x: Float, y: Float)], by model: Model) throws -> Model {
  let student = try TrainableModel(model, rule: Adam())
  let batchSize = 64
  for step in 0..<400 {
    let batch = (0..<batchSize).map { measurements[(step * batchSize + $0) % measurements.count] }
    let x = Tensor(floats: batch.map(\.x), shape: [batchSize, 1])
    let predictions = try student.forward(["x": x])["y"]?.floats() ?? []

    // The gradient of the mean loss with respect to each prediction.
    let gradient = zip(batch, predictions).map { measurement, prediction in
      (measurement.y > prediction ? -quantile : 1 - quantile) / Float(batchSize)
    }
    try student.backward(from: ["y": Tensor(floats: gradient, shape: [batchSize, 1])])
    student.step(rate: 0.02 * Schedule(.linear).factor(step: step, of: 400))
  }
  return student.trainedModel()
}
