import IR
import Operators

/// Puts the bodies of the functions a model brings along where they are called, so that it can run.
struct FunctionInlining {
  /// Functions may call functions, but not without end.
  private static let depthLimit = 32
  /// A few functions that each call another twice make more nodes than memory holds.
  private static let nodeLimit = 1 << 18

  private struct FunctionName: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  private var model: Model
  private var functions: [FunctionName: FunctionBody] = [:]
  /// Nodes of each function's body, those of its branches and loops among them.
  private var nodeCounts: [FunctionName: Int] = [:]
  private var addedCount = 0

  static func apply(to model: Model) throws(RuntimeError) -> Model {
    guard model.functions.contains(where: { $0.body != nil }) else { return model }
    var inlining = FunctionInlining(model)
    let nodes = try inlining.inlined(model.graph.nodes, depth: 0)
    inlining.model.graph.nodes = nodes
    inlining.model.functions.removeAll { $0.body != nil }
    return inlining.model
  }

  private init(_ model: Model) {
    self.model = model
    for function in model.functions {
      let domain = function.domain == "ai.onnx" ? "" : function.domain
      let name = FunctionName(domain: domain, name: function.name, overload: function.overload)
      functions[name] = function.body
      nodeCounts[name] = function.body?.model.graph.nodeCount
    }
  }

  private mutating func inlined(_ nodes: [Node], depth: Int) throws(RuntimeError) -> [Node] {
    var result: [Node] = []
    for var node in nodes {
      for index in node.attributes.indices {
        node.attributes[index].value = try inlined(node.attributes[index].value, depth: depth)
      }
      let name = FunctionName(domain: node.canonicalDomain, name: node.opType, overload: node.overload ?? "")
      guard let body = functions[name] else {
        result.append(node)
        continue
      }
      guard depth < Self.depthLimit else {
        throw RuntimeError(
          "cannot run node \(label(node)): functions call each other more than \(Self.depthLimit) levels deep")
      }
      result += try inlined(try expanded(node, body, named: name), depth: depth + 1)
    }
    return result
  }

  private mutating func inlined(_ value: AttributeValue, depth: Int) throws(RuntimeError) -> AttributeValue {
    switch value {
    case .graph(var graph):
      graph.nodes = try inlined(graph.nodes, depth: depth)
      return .graph(graph)
    case .graphs(var graphs):
      for index in graphs.indices { graphs[index].nodes = try inlined(graphs[index].nodes, depth: depth) }
      return .graphs(graphs)
    default: return value
    }
  }

  private func label(_ node: Node) -> String { node.name.flatMap { $0.isEmpty ? nil : $0 } ?? node.opType }

  // MARK: One call

  /// The nodes of a body with the values of a call.
  private mutating func expanded(
    _ call: Node, _ body: FunctionBody, named name: FunctionName
  ) throws(RuntimeError) -> [Node] {
    try importOpsets(of: body, for: call)
    addedCount += (nodeCounts[name] ?? 0) + call.outputs.count
    guard addedCount <= Self.nodeLimit else {
      throw RuntimeError(
        "cannot run node \(label(call)): functions spell out to more than \(Self.nodeLimit) nodes")
    }
    var values = Renaming(names: body.model.valueNames, prefix: label(call))
    for (index, input) in body.model.graph.inputs.enumerated() { values.set(input.value, call.input(index)) }
    var copies: [(from: ValueID, to: ValueID)] = []
    for (index, output) in body.model.graph.outputs.enumerated() {
      guard let target = call.output(index) else { continue }
      if values.has(output.value) {
        copies.append((output.value, target))
      } else {
        values.set(output.value, target)
      }
    }
    var nodes: [Node] = []
    for node in body.model.graph.nodes { nodes.append(renamed(node, &values, call, body)) }
    for copy in copies {
      nodes.append(Node(inputs: [values.target(copy.from, in: &model)], outputs: [copy.to], opType: "Identity"))
    }
    return nodes
  }

  private mutating func importOpsets(of body: FunctionBody, for call: Node) throws(RuntimeError) {
    for imported in body.model.opsetImports {
      let domain = imported.domain == "ai.onnx" ? "" : imported.domain ?? ""
      guard let version = model.opset(domain) else {
        model.opsetImports.append(imported)
        continue
      }
      guard version == imported.version else {
        throw RuntimeError(
          "cannot run node \(label(call)): its function is made for version \(imported.version ?? 0) of operator set "
            + "\(domain.isEmpty ? "ai.onnx" : domain), the model for version \(version)")
      }
    }
  }

  private mutating func renamed(
    _ node: Node, _ values: inout Renaming, _ call: Node, _ body: FunctionBody
  ) -> Node {
    var result = node
    for (index, input) in node.inputs.enumerated() {
      result.inputs[index] = input.flatMap { values.target($0, in: &model) }
    }
    for (index, output) in node.outputs.enumerated() {
      result.outputs[index] = output.flatMap { values.target($0, in: &model) }
    }
    result.attributes = []
    for var attribute in node.attributes {
      if let reference = attribute.reference, !reference.isEmpty {
        let given = call.attributes.first { $0.name == reference } ?? body.defaults.first { $0.name == reference }
        guard let given else { continue }
        attribute.value = given.value
        attribute.reference = nil
      } else {
        attribute.value = renamed(attribute.value, &values, call, body)
      }
      result.attributes.append(attribute)
    }
    return result
  }

  private mutating func renamed(
    _ value: AttributeValue, _ values: inout Renaming, _ call: Node, _ body: FunctionBody
  ) -> AttributeValue {
    switch value {
    case .graph(let graph): return .graph(renamed(graph, &values, call, body))
    case .graphs(let graphs):
      var result: [Graph] = []
      for graph in graphs { result.append(renamed(graph, &values, call, body)) }
      return .graphs(result)
    default: return value
    }
  }

  private mutating func renamed(
    _ graph: Graph, _ values: inout Renaming, _ call: Node, _ body: FunctionBody
  ) -> Graph {
    var result = graph
    result.valueInfo = []
    // Without a value there is nothing to declare; a graph's own values always have one.
    for (index, input) in graph.inputs.enumerated() {
      if let value = values.target(input.value, in: &model) { result.inputs[index].value = value }
    }
    for (index, initializer) in graph.initializers.enumerated() {
      if let value = values.target(initializer.value, in: &model) { result.initializers[index].value = value }
    }
    for (index, initializer) in graph.sparseInitializers.enumerated() {
      if let value = values.target(initializer.value, in: &model) { result.sparseInitializers[index].value = value }
    }
    for (index, node) in graph.nodes.enumerated() { result.nodes[index] = renamed(node, &values, call, body) }
    for (index, output) in graph.outputs.enumerated() {
      if let value = values.target(output.value, in: &model) { result.outputs[index].value = value }
    }
    return result
  }

  /// What the values of a body are in the model around it.
  private struct Renaming {
    let names: [String]
    let prefix: String
    /// `nil` for inputs the call leaves out.
    private var known: [ValueID: ValueID?] = [:]

    init(names: [String], prefix: String) {
      self.names = names
      self.prefix = prefix
    }

    func has(_ value: ValueID) -> Bool { known[value] != nil }

    mutating func set(_ value: ValueID, _ target: ValueID?) { known[value] = .some(target) }

    mutating func target(_ value: ValueID, in model: inout Model) -> ValueID? {
      if let target = known[value] { return target }
      let target = model.addValue(named: "\(prefix)/\(names[value.index])")
      known[value] = .some(target)
      return target
    }
  }
}

extension Graph {
  /// Its nodes and those of their bodies.
  fileprivate var nodeCount: Int {
    nodes.reduce(nodes.count) { sum, node in node.subgraphs.reduce(sum) { $0 + $1.nodeCount } }
  }
}
