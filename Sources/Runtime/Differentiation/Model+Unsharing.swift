import IR

extension Model {
  /// The same model with an initializer of its own for every use of a floating-point vector.
  ///
  /// Exporters merge parameters that happen to be equal, above all the scales, shifts and statistics of normalizations
  /// that are still as they were initialized, and spell them as one initializer with `Identity` nodes. Trained, they
  /// must go their own ways. Tensors of two and more axes are shared on purpose (an embedding and the head behind it),
  /// and stay shared.
  public func unsharingVectors() -> Model {
    var model = self
    var vectors: [ValueID: Tensor] = [:]
    for initializer in graph.initializers where initializer.tensor.isSharedByAccident {
      vectors[initializer.value] = initializer.tensor
    }
    for input in graph.inputs { vectors[input.value] = nil }
    model.replaceIdentities(of: &vectors)
    var uses: Set<ValueID> = Set(model.graph.outputs.map(\.value))
    for node in graph.nodes {
      for body in node.subgraphs { uses.formUnion(body.referencedValues()) }
    }
    for index in model.graph.nodes.indices {
      for (position, input) in model.graph.nodes[index].inputs.enumerated() {
        guard let input, let tensor = vectors[input], !uses.insert(input).inserted else { continue }
        let node = model.graph.nodes[index]
        let owner = node.name.flatMap { $0.isEmpty ? nil : $0 } ?? node.opType
        model.graph.nodes[index].inputs[position] = model.addInitializer(
          "\(name(of: input))@\(owner).\(position)", copying: tensor)
      }
    }
    return model
  }

  /// An `Identity` of a vector is a parameter of the name its output has.
  private mutating func replaceIdentities(of vectors: inout [ValueID: Tensor]) {
    let outputs = Set(graph.outputs.map(\.value))
    var kept: [Node] = []
    for node in graph.nodes {
      guard node.opType == "Identity", node.canonicalDomain.isEmpty, let input = node.input(0),
        let tensor = vectors[input], let output = node.output(0), !outputs.contains(output)
      else {
        kept.append(node)
        continue
      }
      var copy = tensor
      copy.name = name(of: output)
      graph.initializers.append(Initializer(value: output, tensor: copy))
      vectors[output] = copy
    }
    graph.nodes = kept
  }

  private mutating func addInitializer(_ name: String, copying tensor: Tensor) -> ValueID {
    var unique = name
    let taken = Set(valueNames)
    while taken.contains(unique) { unique += "'" }
    let value = addValue(named: unique)
    var copy = tensor
    copy.name = unique
    graph.initializers.append(Initializer(value: value, tensor: copy))
    return value
  }
}

extension Tensor {
  fileprivate var isSharedByAccident: Bool {
    shape.count == 1 && elementCount > 1 && [.float, .float16, .bfloat16, .double].contains(dataType)
  }
}
