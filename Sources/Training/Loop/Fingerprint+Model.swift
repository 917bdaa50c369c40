import DataSources
import IR

extension Fingerprint {
  /// Of all that decides what a model computes: its interface, operator sets, functions, nodes with their graphs, and
  /// the elements of its tensors.
  package init(of model: Model) {
    self.init()
    for opset in model.opsetImports { add("\(opset.domain ?? "") \(opset.version ?? 0)") }
    for function in model.functions { function.message.withUnsafeBytes { add($0) } }
    add(model.graph, of: model)
  }

  /// Readers limit how deep graphs nest, so recursion ends in time.
  private mutating func add(_ graph: Graph, of model: Model) {
    // Lists say how long they are, so that what ends one cannot begin the next.
    add("\(graph.inputs.count) \(graph.outputs.count) \(graph.nodes.count) \(graph.initializers.count)")
    for info in graph.inputs + graph.outputs {
      add(model.name(of: info.value))
      add(info.type)
    }
    for node in graph.nodes { add(node, of: model) }
    for initializer in graph.initializers {
      add(model.name(of: initializer.value))
      add(initializer.tensor)
    }
    for initializer in graph.sparseInitializers {
      add(model.name(of: initializer.value))
      initializer.message.withUnsafeBytes { add($0) }
    }
  }

  private mutating func add(_ type: ValueType?) {
    guard let tensor = type?.tensor else {
      add("-")
      return
    }
    let shape = tensor.shape.map { sizes in "\(sizes.map(\.extent))" } ?? "-"
    add("\(tensor.elementType ?? 0) \(shape)")
  }

  private mutating func add(_ node: Node, of model: Model) {
    add("\(node.canonicalDomain) \(node.inputs.count) \(node.outputs.count) \(node.attributes.count)")
    add(node.opType)
    add(node.overload ?? "")
    for value in node.inputs + node.outputs { add(value.map { model.name(of: $0) } ?? "") }
    for attribute in node.attributes { add(attribute, of: model) }
  }

  private mutating func add(_ attribute: Attribute, of model: Model) {
    add(attribute.name)
    switch attribute.value {
    case .tensor(let tensor): add(tensor)
    case .tensors(let tensors): for tensor in tensors { add(tensor) }
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
