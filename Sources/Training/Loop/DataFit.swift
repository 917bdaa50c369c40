import Analysis
import DataSources
import IR
import Runtime

/// Data as a model takes them: fields by input name, in the types it declares, and labels apart.
struct DataFit: Sendable {
  struct Batch: Sendable {
    var inputs: [String: Tensor]
    var labels: Tensor
  }

  let data: PreparedDataset
  private let inputs: [String]
  private let label: DataField
  private let loss: Loss
  /// The number of samples the model takes at once, where it does not leave that open.
  let fixedBatch: Int?

  /// - Throws: where a field is missing, has another rank or size than the input declares, or numbers would be lost.
  init(_ model: Model, _ data: any Dataset, _ loss: Loss) throws(TrainingError) {
    let expected = ExpectedInput.all(of: model)
    do throws(DataError) {
      // Half precision is widened when it is read, so data need not be narrowed first.
      self.data = try data.prepared(for: expected.map(\.widened))
    } catch {
      throw TrainingError(error)
    }
    guard let label = self.data.field(Loss.labelField) else {
      throw TrainingError(
        .data, "\(data.source): has no labels; add an array named \(Loss.labelField), with a class or a target a sample"
      )
    }
    if loss.hasClasses, label.dataType.isFloatingPoint {
      throw TrainingError(.data, "\(label.source): labels are \(label.dataType); give classes as whole numbers")
    }
    for input in expected where input.dataType == nil {
      throw TrainingError(.model, "input \(input.name) is no tensor of a known type")
    }
    inputs = expected.map(\.name)
    self.label = label
    self.loss = loss
    fixedBatch = expected.lazy.compactMap(\.fixedSamples).first
  }

  func batch(_ indices: [Int], epoch: Int) throws(TrainingError) -> Batch {
    let fields: [String: Tensor]
    do throws(DataError) { fields = try data.batch(indices: indices, epoch: epoch) } catch {
      throw TrainingError(error)
    }
    return try batch(fields)
  }

  /// Fields of samples with the labels apart.
  func batch(_ fields: [String: Tensor]) throws(TrainingError) -> Batch {
    var fields = fields
    guard let labels = fields.removeValue(forKey: Loss.labelField)?.converted(to: loss.labelType) else {
      throw TrainingError(.data, "\(label.source): labels are \(label.dataType), expected \(loss.labelType)")
    }
    return Batch(inputs: fields, labels: labels)
  }

  /// Shapes of a batch, by input name; those of labels apart.
  func shapes(batch: Int) -> (inputs: [String: [Int]], labels: [Int]) {
    var shapes: [String: [Int]] = [:]
    for name in inputs { shapes[name] = [batch] + (data.field(name)?.shape ?? []) }
    return (shapes, [batch] + label.shape)
  }

  /// Looks at all data for what would spoil a run hours after its start.
  /// - Parameters:
  ///   - output: the shape of the output the loss is taken of, where it is known before the model runs.
  ///   - needsLabels: whether there must be a label that is not ignored.
  func check(_ model: Model, output: [Int]?, batch: Int, needsLabels: Bool) throws(TrainingError) {
    let classes = try loss.classes(output: output, labels: [batch] + label.shape, source: data.source)
    let labels: DatasetCheck.Labels =
      switch loss.kind {
      case .crossEntropy: .classes(classes, ignored: Loss.ignoredLabel)
      case .meanSquaredError: .numbers
      case .binaryCrossEntropy: .probabilities
      }
    let check = DatasetCheck(labels: labels, tableSizes: model.lookedUpRows, needsLabels: needsLabels)
    do throws(DataError) { try check.run(data) } catch { throw TrainingError(error) }
  }

  /// Differs where samples do, or what is done with them.
  func digest() throws(TrainingError) -> String {
    do throws(DataError) { return try data.digest() } catch { throw TrainingError(error) }
  }
}

extension ExpectedInput {
  /// The same, with half precision as it is computed with.
  public var widened: ExpectedInput {
    let isHalf = dataType == .float16 || dataType == .bfloat16
    return ExpectedInput(name: name, dataType: isHalf ? .float : dataType, shape: shape)
  }

  /// The number of samples the model is fixed to; `nil` where it takes any.
  var fixedSamples: Int? {
    if case .known(let size)? = shape?.first, size > 0 { Int(size) } else { nil }
  }
}

extension TrainingError {
  public init(_ error: DataError) { self.init(error.isUsageError ? .settings : .data, error.description) }

  init(wrapping error: any Error) {
    switch error {
    case let known as TrainingError: self = known
    case let runtime as RuntimeError: self.init(runtime)
    case let data as DataError: self.init(data)
    default: self.init(.model, "\(error)")
    }
  }
}
