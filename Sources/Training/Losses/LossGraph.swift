import Dimensions
import IR
import Operators

/// A model whose graph also holds a loss, as a training program runs it. Its initializers are those of the model.
public struct LossGraph: Sendable {
  public private(set) var model: Model
  /// The number to be made small.
  public let loss: ValueID
  /// The output the loss is taken of.
  public let output: ValueID
  public let outputName: String
  /// The input labels or targets are given by.
  public let labelInput: String
  /// The input the teacher's outputs are given by, where one teaches.
  public let teacherInput: String?

  /// - Parameters:
  ///   - classAxis: where the classes are in the output, for losses that have classes.
  ///   - temperature: what logits are divided by before they are held against labels. Outputs that are no logits stay
  ///     as they are, as does what a teacher is followed by.
  /// - Throws: where the model has no such output, or an input of the name of labels.
  public init(
    _ model: Model, _ loss: Loss, classAxis: Int = -1, temperature: Float = 1
  ) throws(TrainingError) {
    self.model = model
    let info = try Self.output(of: model, loss.output)
    output = info.value
    outputName = model.name(of: info.value)
    let names = Set(model.valueNames)
    labelInput = Loss.labelField
    guard !model.graph.inputs.contains(where: { model.name(of: $0.value) == Loss.labelField }) else {
      throw TrainingError(.settings, "the model has an input named \(Loss.labelField), the name of labels in data")
    }
    let label = Self.addInput(Loss.labelField, loss.labelType, &self.model)
    let share = loss.distillation?.share ?? 0
    let (name, attributes) = Self.node(loss.kind, classAxis)
    let judged =
      temperature == 1 || !loss.hasLogits
      ? output : Self.divide(output, by: temperature, info.type?.tensor?.elementType, &self.model)
    var total = Self.add(
      name, [judged, label], attributes + [Attribute(name: "weight", value: .float(1 - share))], &self.model)
    teacherInput = loss.distillation == nil ? nil : Self.unique("teacher/\(outputName)", names)
    if let distillation = loss.distillation, let teacherInput {
      let teacher = Self.addInput(teacherInput, .float, &self.model)
      let distance = Self.add(
        "DistillationLoss", [output, teacher],
        [
          Attribute(name: "axis", value: .int(Int64(classAxis))), Attribute(name: "weight", value: .float(share)),
          Attribute(name: "temperature", value: .float(distillation.temperature)),
        ], &self.model)
      total = Self.add("Add", [total, distance], [], domain: nil, &self.model)
    }
    self.loss = total
    Self.importOwn(&self.model)
  }

  static func output(of model: Model, _ name: String?) throws(TrainingError) -> ValueInfo {
    let outputs = model.graph.outputs
    if let name {
      if let found = outputs.first(where: { model.name(of: $0.value) == name }) { return found }
      let names = outputs.map { model.name(of: $0.value) }.joined(separator: ", ")
      throw TrainingError(.settings, "the model has no output \(name); it has \(names)")
    }
    guard let first = outputs.first else { throw TrainingError(.model, "the model has no outputs") }
    return first
  }

  private static func node(_ kind: Loss.Kind, _ axis: Int) -> (name: String, attributes: [Attribute]) {
    switch kind {
    case .crossEntropy(let smoothing):
      (
        "CrossEntropyLoss",
        [
          Attribute(name: "axis", value: .int(Int64(axis))),
          Attribute(name: "label_smoothing", value: .float(smoothing)),
        ]
      )
    case .meanSquaredError: ("MeanSquaredErrorLoss", [])
    case .binaryCrossEntropy: ("BinaryCrossEntropyLoss", [])
    }
  }

  private static func add(
    _ type: String, _ inputs: [ValueID], _ attributes: [Attribute], domain: String? = OperatorName.ownDomain,
    _ model: inout Model
  ) -> ValueID {
    let result = model.addValue(named: unique("loss/\(type)", Set(model.valueNames)))
    model.graph.nodes.append(
      Node(inputs: inputs, outputs: [result], name: nil, opType: type, domain: domain, attributes: attributes))
    return result
  }

  /// - Parameter type: the one the output is declared with, which the divisor has to share.
  private static func divide(
    _ output: ValueID, by divisor: Float, _ type: Int32?, _ model: inout Model
  ) -> ValueID {
    let single = Tensor(floats: [divisor], shape: [])
    let number =
      switch type.flatMap(DataType.init(rawValue:)) {
      case .double: single.converted(to: .double) ?? single
      case .float16: single.halved(Float16(divisor).bitPattern, .float16)
      case .bfloat16: single.halved(UInt16(truncatingIfNeeded: divisor.bitPattern >> 16), .bfloat16)
      default: single
      }
    let constant = model.addValue(named: unique("loss/temperature", Set(model.valueNames)))
    model.graph.nodes.append(
      Node(
        inputs: [], outputs: [constant], opType: "Constant",
        attributes: [Attribute(name: "value", value: .tensor(number))]))
    return add("Div", [output, constant], [], domain: nil, &model)
  }

  private static func addInput(_ name: String, _ type: DataType, _ model: inout Model) -> ValueID {
    let value = model.addValue(named: name)
    model.graph.inputs.append(
      ValueInfo(value: value, type: ValueType(tensor: TensorType(elementType: type.rawValue, shape: nil))))
    return value
  }

  private static func unique(_ name: String, _ taken: Set<String>) -> String {
    var unique = name
    while taken.contains(unique) { unique += "'" }
    return unique
  }

  private static func importOwn(_ model: inout Model) {
    guard model.opset(OperatorName.ownDomain) == nil else { return }
    model.opsetImports.append(OpsetImport(domain: OperatorName.ownDomain, version: 1))
  }
}

extension Tensor {
  /// A number of the same shape in half a word.
  fileprivate func halved(_ bits: UInt16, _ type: DataType) -> Tensor {
    Tensor(
      dataType: type, shape: shape,
      storage: .bytes([bits].withUnsafeBytes { ByteRegion(copying: $0) }))
  }
}
