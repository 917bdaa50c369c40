import IR

extension Model {
  /// The part of a model that computes some values of the main graph from others.
  /// - Parameter inputs: values that are given; only those that matter become inputs.
  func segment(from inputs: Set<ValueID>, to outputs: [ValueID]) -> Model {
    var producers: [ValueID: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for case let output? in node.outputs { producers[output] = index }
    }
    var seen: Set<ValueID> = []
    var nodes: Set<Int> = []
    var given: Set<ValueID> = []
    var pending = outputs
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      if inputs.contains(value) {
        given.insert(value)
      } else if let node = producers[value], nodes.insert(node).inserted {
        pending += graph.nodes[node].reads
      }
    }
    var part = self
    part.graph.nodes = nodes.sorted().map { graph.nodes[$0] }
    part.graph.initializers = graph.initializers.filter { seen.contains($0.value) && !given.contains($0.value) }
    part.graph.sparseInitializers = graph.sparseInitializers.filter { seen.contains($0.value) }
    part.graph.inputs = given.sorted().map { value in
      graph.inputs.first { $0.value == value } ?? ValueInfo(value: value, type: nil)
    }
    part.graph.outputs = outputs.map { ValueInfo(value: $0, type: nil) }
    part.graph.valueInfo = []
    return part
  }
}

extension Node {
  /// Every value the node or its bodies read.
  var reads: [ValueID] {
    var values = inputs.compactMap { $0 }
    for body in subgraphs { values += body.referencedValues().sorted() }
    return values
  }
}
