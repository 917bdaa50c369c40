/// The constants of a model by the names plans give them: initializers, and payloads of `Constant` nodes by output.
struct TensorIndex {
  private(set) var tensors: [String: Tensor] = [:]

  init(_ model: Model) { add(model.graph, model) }

  private mutating func add(_ graph: Graph, _ model: Model) {
    for initializer in graph.initializers { add(initializer.tensor, model.name(of: initializer.value)) }
    for node in graph.nodes where !node.attributes.isEmpty {
      if node.opType == "Constant", let output = node.output(0), case .tensor(let tensor)? = node.attribute("value") {
        add(tensor, model.name(of: output))
      }
      for body in node.subgraphs { add(body, model) }
    }
  }

  private mutating func add(_ tensor: Tensor, _ name: String) { if tensors[name] == nil { tensors[name] = tensor } }
}
