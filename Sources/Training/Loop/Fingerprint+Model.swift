import DataSources
import IR

extension Fingerprint {
  /// Of the nodes of a model and the elements of its initializers.
  init(of model: Model) {
    self.init()
    for node in model.graph.nodes {
      add(node.opType)
      for value in node.inputs + node.outputs { add(value.map { model.name(of: $0) } ?? "") }
      for attribute in node.attributes { add(attribute) }
    }
    for initializer in model.graph.initializers {
      add(model.name(of: initializer.value))
      add(initializer.tensor)
    }
  }

  private mutating func add(_ attribute: Attribute) {
    add(attribute.name)
    switch attribute.value {
    case .tensor(let tensor): add(tensor)
    case .graph, .graphs: break
    default: add("\(attribute.value)")
    }
  }

  private mutating func add(_ tensor: Tensor) {
    add("\(tensor.dataType) \(tensor.shape)")
    tensor.contiguousBytes()?.withUnsafeBytes { add($0) }
  }
}
