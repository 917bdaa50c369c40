import IR

extension LossGraph {
  /// The same for data of given shapes, which tell where the classes are.
  ///
  /// - Parameters:
  ///   - inputShapes: by input name, all samples of a batch.
  ///   - labels: the shape of the batch's labels or targets.
  ///   - source: where the data come from, for messages.
  ///   - temperature: what logits are divided by, see ``init(_:_:classAxis:temperature:)``.
  /// - Throws: where the loss cannot be computed of this output and these labels.
  public init(
    _ model: Model, _ loss: Loss, inputShapes: [String: [Int]], labels: [Int], source: String, temperature: Float = 1
  ) throws(TrainingError) {
    let axis = try Trainer.classAxis(model, loss, inputShapes, labels, source: source).axis
    try self.init(model, loss, classAxis: axis, temperature: temperature)
  }
}
