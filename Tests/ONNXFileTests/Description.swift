import IR

extension Tensor {
  /// The elements, whatever holds them.
  var contents: [[UInt8]] {
    if case .strings(let strings) = storage { return strings }
    return contiguousBytes().map { [$0.withUnsafeBytes { Array($0) }] } ?? []
  }
}

/// All a model says, without identifiers and without where bytes are.
struct Description {
  private(set) var lines: [String] = []
  private let model: Model

  init(_ model: Model) {
    self.model = model
    lines.append("\(model.irVersion as Any) \(model.opsetImports) \(model.producerName as Any)")
    lines.append("\(model.producerVersion as Any) \(model.domain as Any) \(model.modelVersion as Any)")
    lines.append("\(model.docString as Any) \(model.metadata) \(model.carried)")
    // The body is what the message says, not something more the file holds.
    for function in model.functions {
      lines.append("\(function.domain) \(function.name) \(function.overload) \(function.message)")
    }
    describe(model.graph)
  }

  private mutating func describe(_ graph: Graph) {
    lines.append("graph \(graph.name as Any) \(graph.docString as Any) \(graph.carried)")
    for (kind, infos) in [("input", graph.inputs), ("output", graph.outputs), ("value", graph.valueInfo)] {
      for info in infos {
        lines.append(
          "\(kind) \(model.name(of: info.value)) \(info.type as Any) \(info.docString as Any) \(info.carried)")
      }
    }
    for initializer in graph.initializers {
      lines.append("initializer \(model.name(of: initializer.value))")
      describe(initializer.tensor)
    }
    for node in graph.nodes {
      let values = (node.inputs + node.outputs).map { $0.map(model.name(of:)) ?? "–" }
      lines.append("node \(node.name as Any) \(node.opType) \(node.domain as Any) \(node.overload as Any) \(values)")
      lines.append("\(node.docString as Any) \(node.carried)")
      for attribute in node.attributes { describe(attribute) }
    }
  }

  private mutating func describe(_ attribute: Attribute) {
    lines.append("attribute \(attribute.name) \(attribute.docString as Any) \(attribute.reference as Any)")
    lines.append("\(attribute.carried)")
    switch attribute.value {
    case .tensor(let tensor): describe(tensor)
    case .tensors(let tensors): for tensor in tensors { describe(tensor) }
    case .graph(let graph): describe(graph)
    case .graphs(let graphs): for graph in graphs { describe(graph) }
    // The order of fields is the writer's.
    case .opaque(let bytes): lines.append("opaque \(bytes.count)")
    default: lines.append("\(attribute.value)")
    }
  }

  private mutating func describe(_ tensor: Tensor) {
    lines.append("tensor \(tensor.name as Any) \(tensor.dataType) \(tensor.shape) \(tensor.contents)")
    lines.append("\(tensor.docString as Any) \(tensor.carried)")
  }
}
