/// Removes what the outputs do not depend on: nodes, bodies' nodes, initializers and declared types nobody uses.
public struct EliminateDeadCodePass: Pass {
  public static let name = "eliminate-dead-code"
  public static let abstract = "Removes nodes and initializers that no output depends on."
  public static let options: [PassOption] = []

  public init() {}

  public init(_ options: OptionValues) throws(ConfigError) {}

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    // Training information, which Coppice carries without reading it, may name initializers.
    let keepsInitializers = model.carried != .none
    let before = ModelCounts(model)
    model.graph = try Self.cleaned(model.graph, keepsInitializers: keepsInitializers)
    let after = ModelCounts(model)
    return PassReport(
      isModified: before != after,
      statistics: [
        ("removedNodes", .int(before.nodes - after.nodes)),
        ("removedInitializers", .int(before.initializers - after.initializers)),
      ])
  }

  private static func cleaned(_ graph: Graph, keepsInitializers: Bool) throws -> Graph {
    var result = graph
    var live = Set(graph.outputs.map(\.value))
    var isLive = [Bool](repeating: false, count: graph.nodes.count)
    for index in try graph.topologicalOrder().reversed() {
      let node = graph.nodes[index]
      guard node.outputs.contains(where: { $0.map(live.contains) ?? false }) else { continue }
      isLive[index] = true
      for case let input? in node.inputs { live.insert(input) }
      for position in node.attributes.indices {
        switch node.attributes[position].value {
        case .graph(let body):
          let body = try cleaned(body, keepsInitializers: keepsInitializers)
          live.formUnion(body.referencedValues())
          result.nodes[index].attributes[position].value = .graph(body)
        case .graphs(let bodies):
          let bodies = try bodies.map { try cleaned($0, keepsInitializers: keepsInitializers) }
          for body in bodies { live.formUnion(body.referencedValues()) }
          result.nodes[index].attributes[position].value = .graphs(bodies)
        default: break
        }
      }
    }
    let removed = Set(
      graph.nodes.indices.filter { !isLive[$0] }.flatMap { graph.nodes[$0].outputs.compactMap { $0 } })
    result.nodes = graph.nodes.indices.filter { isLive[$0] }.map { result.nodes[$0] }
    result.valueInfo.removeAll { removed.contains($0.value) }
    // An initializer that is also an input is that input's default, and quantization annotations name initializers.
    if !keepsInitializers, graph.carried == .none {
      let inputs = Set(graph.inputs.map(\.value))
      let unused = Set(graph.initializers.map(\.value).filter { !live.contains($0) && !inputs.contains($0) })
      result.initializers.removeAll { unused.contains($0.value) }
      result.valueInfo.removeAll { unused.contains($0.value) }
    }
    return result
  }
}
