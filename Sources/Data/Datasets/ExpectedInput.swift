import IR

/// What a model takes as one of its inputs.
public struct ExpectedInput: Sendable {
  public var name: String
  /// `nil` where the model does not declare one that is known.
  public var dataType: DataType?
  /// With the axis of samples first; `nil` where not even the rank is declared.
  public var shape: [DeclaredSize.Extent]?

  public init(name: String, dataType: DataType?, shape: [DeclaredSize.Extent]?) {
    self.name = name
    self.dataType = dataType
    self.shape = shape
  }

  /// The inputs of a model that nobody but the user can fill: those without an initializer.
  public static func all(of model: Model) -> [ExpectedInput] {
    let constants = Set(model.graph.initializers.map(\.value))
    return model.graph.inputs.filter { !constants.contains($0.value) }.map { input in
      let type = input.type?.tensor
      return ExpectedInput(
        name: model.name(of: input.value), dataType: type?.elementType.flatMap { DataType(rawValue: $0) },
        shape: type?.shape.map { $0.map(\.extent) })
    }
  }

  /// The shape of one sample as a reader sees it, `?` for sizes that are open.
  fileprivate var sampleText: String {
    guard let shape else { return "any shape" }
    let sizes = shape.dropFirst().map { extent in
      switch extent {
      case .known(let size): "\(size)"
      case .symbol(let name): name
      case .unknown: "?"
      }
    }
    return "[\(sizes.joined(separator: ", "))]"
  }

  fileprivate func fits(_ sample: [Int]) -> Bool {
    guard let shape else { return true }
    guard shape.count == sample.count + 1 else { return false }
    return zip(shape.dropFirst(), sample).allSatisfy { extent, size in
      if case .known(let known) = extent { return known == Int64(size) }
      return true
    }
  }
}

extension Dataset {
  /// The same samples as a model takes them: fields by the names of its inputs, in its types.
  ///
  /// An input is filled by the field of its name. The only input of a model is also filled by the only input of data
  /// whose format has no names. Whole numbers become floating-point ones and 64-bit numbers 32-bit ones where the model
  /// asks for it, never the other way round. Fields the model has no input for are left out, but for the label.
  public func prepared(for inputs: [ExpectedInput]) throws(DataError) -> PreparedDataset {
    var steps: [PreparedDataset.Step] = []
    for input in inputs { steps.append(try step(for: input, isOnly: inputs.count == 1)) }
    if let label = field(labelField), !inputs.contains(where: { $0.name == labelField }) {
      steps.append(DataSpecification.labelStep(label))
    }
    return PreparedDataset(self, steps: steps)
  }

  private func step(for input: ExpectedInput, isOnly: Bool) throws(DataError) -> PreparedDataset.Step {
    let candidates = self.inputs
    let nameless = isOnly && candidates.count == 1 && candidates[0].name == unnamedField ? candidates[0] : nil
    guard let field = field(input.name) ?? nameless else {
      throw .missingInput(name: input.name, source: source, available: fields.map(\.name))
    }
    guard input.fits(field.shape) else {
      throw .wrongShape(source: field.source, input: input.name, found: field.shape, expected: input.sampleText)
    }
    let type = input.dataType ?? field.dataType
    guard ElementConversion.isAllowed(field.dataType, to: type) else {
      throw .wrongType(source: field.source, input: input.name, found: field.dataType, expected: type)
    }
    return PreparedDataset.Step(from: field, name: input.name, dataType: type, shape: field.shape)
  }
}
