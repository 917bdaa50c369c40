import DataSources
import IR
import Runtime

/// Data as a model takes them: fields by input name, in the types it declares, and labels apart.
struct DataFit: Sendable {
  struct Batch: Sendable {
    var inputs: [String: Tensor]
    var labels: Tensor
  }

  private struct Input: Sendable {
    let name: String
    let field: String
    let type: DataType
  }

  let data: any Dataset
  private let inputs: [Input]
  private let labelType: DataType
  private let labelShape: [Int]

  /// - Throws: where a field is missing, has another rank or size than the input declares, or numbers would be lost.
  init(_ model: Model, _ data: any Dataset, _ loss: Loss) throws(TrainingError) {
    self.data = data
    labelType = loss.labelType
    let initialized = Set(model.graph.initializers.map(\.value))
    let infos = model.graph.inputs.filter { !initialized.contains($0.value) }
    guard let label = data.fields.first(where: { $0.name == Loss.labelField }) else {
      throw TrainingError(
        .data, "\(data.source): has no labels; add an array named \(Loss.labelField), with a class or a target a sample"
      )
    }
    labelShape = label.shape
    let others = data.fields.filter { $0.name != Loss.labelField }
    var inputs: [Input] = []
    for info in infos {
      let name = model.name(of: info.value)
      // Data of one nameless or differently named field can only be meant for the one input.
      let isOnly = infos.count == 1 && others.count == 1
      guard let field = others.first(where: { $0.name == name }) ?? (isOnly ? others.first : nil) else {
        throw TrainingError(
          .data, "\(data.source): nothing for input \(name); there is \(others.map(\.name).joined(separator: ", "))")
      }
      try Self.check(field, info.type?.tensor?.shape, name)
      guard let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:)) else {
        throw TrainingError(.model, "input \(name) is no tensor of a known type")
      }
      inputs.append(Input(name: name, field: field.name, type: type))
    }
    self.inputs = inputs
  }

  private static func check(_ field: DataField, _ declared: [DeclaredSize]?, _ name: String) throws(TrainingError) {
    guard let declared, !declared.isEmpty else { return }
    let sizes = declared.dropFirst().map { size -> Int? in
      if case .known(let known) = size.extent { Int(known) } else { nil }
    }
    let fits = sizes.count == field.shape.count && zip(sizes, field.shape).allSatisfy { $0 == nil || $0 == $1 }
    guard fits else {
      let expected = sizes.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ")
      throw TrainingError(
        .data, "\(field.source): samples have shape \(field.shape), input \(name) takes [\(expected)]")
    }
  }

  func batch(_ indices: [Int], epoch: Int) throws(TrainingError) -> Batch {
    let fields: [String: Tensor]
    do throws(DataError) { fields = try data.batch(indices: indices, epoch: epoch) } catch {
      throw TrainingError(.data, error.description)
    }
    var tensors: [String: Tensor] = [:]
    for input in inputs {
      guard let tensor = fields[input.field]?.converted(to: input.type.fedType) else {
        throw TrainingError(
          .data, "\(data.source): \(input.field) cannot be fed to input \(input.name), of \(input.type)")
      }
      tensors[input.name] = tensor
    }
    guard let labels = fields[Loss.labelField]?.converted(to: labelType) else {
      throw TrainingError(.data, "\(data.source): labels are of a type that is no \(labelType)")
    }
    return Batch(inputs: tensors, labels: labels)
  }

  /// Shapes of a batch, by input name; those of labels apart.
  func shapes(batch: Int) throws(TrainingError) -> (inputs: [String: [Int]], labels: [Int]) {
    var shapes: [String: [Int]] = [:]
    for input in inputs {
      let field = data.fields.first { $0.name == input.field }
      shapes[input.name] = [batch] + (field?.shape ?? [])
    }
    return (shapes, [batch] + labelShape)
  }

  func outputName(of model: Model, _ loss: Loss) throws(TrainingError) -> String {
    if let name = loss.output { return name }
    guard let first = model.graph.outputs.first else { throw TrainingError(.model, "the model has no outputs") }
    return model.name(of: first.value)
  }
}

extension DataType {
  /// The type numbers for an input of this type are given in: half precision is widened anyway.
  fileprivate var fedType: DataType { self == .float16 || self == .bfloat16 ? .float : self }
}

extension TrainingError {
  init(wrapping error: any Error) {
    switch error {
    case let known as TrainingError: self = known
    case let runtime as RuntimeError: self.init(runtime)
    case let data as DataError: self.init(.data, data.description)
    default: self.init(.model, "\(error)")
    }
  }
}
