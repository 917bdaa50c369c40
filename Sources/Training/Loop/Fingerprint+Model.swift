import DataSources
import IR

extension Fingerprint {
  /// Of the nodes of a model, also those in bodies, and the elements of its tensors.
  init(of model: Model) {
    self.init()
    for imported in model.opsetImports { add("\(imported)") }
    add(model.graph, of: model)
  }

  private mutating func add(_ graph: Graph, of model: Model) {
    for value in graph.inputs + graph.outputs { add(model.name(of: value.value)) }
    for node in graph.nodes {
      add(node.domain ?? "")
      add(node.opType)
      for value in node.inputs + node.outputs { add(value.map { model.name(of: $0) } ?? "") }
      for attribute in node.attributes { add(attribute, of: model) }
    }
    for initializer in graph.initializers {
      add(model.name(of: initializer.value))
      add(initializer.tensor)
    }
  }

  private mutating func add(_ attribute: Attribute, of model: Model) {
    add(attribute.name)
    switch attribute.value {
    case .tensor(let tensor): add(tensor)
    case .graph(let graph): add(graph, of: model)
    case .graphs(let graphs): for graph in graphs { add(graph, of: model) }
    default: add("\(attribute.value)")
    }
  }

  private mutating func add(_ tensor: Tensor) {
    add("\(tensor.dataType) \(tensor.shape)")
    tensor.contiguousBytes()?.withUnsafeBytes { add($0) }
  }
}
