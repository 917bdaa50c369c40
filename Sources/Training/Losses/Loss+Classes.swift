import DataSources
import IR

extension Loss {
  /// How many classes a model tells apart on some data; `nil` where labels are no classes, and where their number is
  /// not known before the model runs.
  /// - Parameter data: as the model takes them; see ``ExpectedInput``.
  /// - Throws: where the model has no such output, or labels do not fit it.
  public func classes(of model: Model, on data: PreparedDataset) throws(TrainingError) -> Int? {
    guard hasClasses, let label = data.field(Self.labelField) else { return nil }
    let expected = ExpectedInput.all(of: model)
    let batch = expected.lazy.compactMap(\.fixedSamples).first ?? max(1, data.count)
    var shapes: [String: [Int]] = [:]
    for input in expected { shapes[input.name] = [batch] + (data.field(input.name)?.shape ?? []) }
    let output = try LossOutput(model, self, inputShapes: shapes)
    return try classes(output: output.shape, labels: [batch] + label.shape, source: data.source)
  }

  /// - Parameters:
  ///   - output: the shape of the output, where it is known before the model runs.
  ///   - labels: their shape, with the axis of samples.
  func classes(output: [Int]?, labels: [Int], source: String) throws(TrainingError) -> Int? {
    guard hasClasses, let output else { return nil }
    return try ClassAxis(output: output, labels: labels, source: source).classes
  }
}
