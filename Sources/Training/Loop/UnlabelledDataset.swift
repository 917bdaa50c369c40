import DataSources
import IR

/// Samples without labels, with such in their place as say nothing: for losses that follow a teacher alone.
struct UnlabelledDataset: Dataset {
  private let base: any Dataset
  private let label: DataField

  /// - Returns: the samples as they are, where they have labels or the loss looks at these.
  /// - Throws: where the output a teacher is followed at has a shape that is not known before the model runs.
  static func completing(
    _ data: any Dataset, for model: Model, _ loss: Loss
  ) throws(TrainingError) -> any Dataset {
    guard data.field(labelField) == nil, loss.distillation?.share == 1 else { return data }
    var shapes: [String: [Int]] = [:]
    for input in ExpectedInput.all(of: model) {
      // The only input of a model may go by another name.
      guard let field = data.field(input.name) ?? (data.inputs.count == 1 ? data.inputs.first : nil) else { continue }
      shapes[input.name] = [input.fixedSamples ?? 1] + field.shape
    }
    let output = try LossOutput(model, loss, inputShapes: shapes)
    guard let shape = output.shape, !shape.isEmpty else {
      try output.nameWhatCannotRun(model, inputShapes: shapes)
      throw TrainingError(.model, "output \(output.name) has a shape that is not known before the model runs")
    }
    return UnlabelledDataset(
      base: data,
      label: DataField(
        name: labelField, dataType: loss.labelType, shape: Self.labelShape(shape, loss), source: data.source))
  }

  /// Classes are the last axis, of pictures the first behind the samples.
  private static func labelShape(_ output: [Int], _ loss: Loss) -> [Int] {
    guard loss.hasClasses else { return Array(output.dropFirst()) }
    return Array(output.count > 3 ? output.dropFirst(2) : output.dropFirst().dropLast())
  }

  var count: Int { base.count }
  var fields: [DataField] { base.fields + [label] }
  var source: String { base.source }
  var storedArrays: [StoredArray] { base.storedArrays }
  var withoutAugmentation: any Dataset { UnlabelledDataset(base: base.withoutAugmentation, label: label) }

  func keeping(_ fields: Set<String>) -> any Dataset { UnlabelledDataset(base: base.keeping(fields), label: label) }

  func inspect() throws(DataError) -> UInt64 { try base.inspect() }

  func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    var batch = try base.batch(indices: indices, epoch: epoch)
    let shape = [indices.count] + label.shape
    let count = shape.reduce(1, *)
    batch[label.name] =
      label.dataType == .int64
      ? Tensor(int64s: [Int64](repeating: Int64(Loss.ignoredLabel), count: count), shape: shape)
      : Tensor(floats: [Float](repeating: 0, count: count), shape: shape)
    return batch
  }
}
