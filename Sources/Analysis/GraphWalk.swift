import IR
import Operators

/// The nodes of a model in the order the analysis visits and numbers them.
///
/// Bodies of control flow come right before the node that holds them: what a body reads of the graph around it is
/// already known then, and what the node returns follows from its bodies.
struct GraphWalk {
  struct Visit {
    let path: NodePath
    let node: Node
    /// Nodes whose bodies begin with this visit, from the outside in, by their number in ``bodies``; a node whose
    /// bodies hold no nodes is its own beginning.
    let entered: [Int]
    /// The node's own number in ``bodies``, if it has any.
    let body: Int?
  }

  /// A node with bodies.
  struct Body {
    /// The visit its bodies begin with.
    var begin: Int
    /// The visit of the node itself.
    var end: Int
  }

  private(set) var visits: [Visit] = []
  private(set) var bodies: [Body] = []
  private var entered: [Int] = []
  /// The graphs in the order they were entered, with the steps that lead to them.
  private(set) var graphs: [(steps: [NodePath.Step], graph: Graph)] = []

  init(_ model: Model) throws(AnalysisError) {
    visits.reserveCapacity(model.graph.nodes.count)
    try enter(model.graph, steps: [])
  }

  private mutating func enter(_ graph: Graph, steps: [NodePath.Step]) throws(AnalysisError) {
    guard steps.count < 64 else {
      throw AnalysisError(node: graph.name ?? "graph", message: "control flow is nested more than 64 deep")
    }
    graphs.append((steps, graph))
    let order: [Int]
    do {
      order = try graph.topologicalOrder()
    } catch {
      throw AnalysisError(node: graph.name ?? "graph", message: "\(error)")
    }
    for index in order {
      let node = graph.nodes[index]
      let body = node.subgraphs.isEmpty ? nil : bodies.count
      if let body {
        bodies.append(Body(begin: visits.count, end: visits.count))
        entered.append(body)
      }
      for (attributeIndex, attribute) in node.attributes.enumerated() {
        let bodies: [Graph]
        switch attribute.value {
        case .graph(let body): bodies = [body]
        case .graphs(let list): bodies = list
        default: continue
        }
        for (graphIndex, body) in bodies.enumerated() {
          let step = NodePath.Step(node: index, attribute: attributeIndex, graph: graphIndex)
          try enter(body, steps: steps + [step])
        }
      }
      if let body { bodies[body].end = visits.count }
      visits.append(Visit(path: NodePath(steps: steps, index: index), node: node, entered: entered, body: body))
      entered = []
    }
  }
}

extension Node {
  /// What messages call the node: its name, or its first output's and operator where it has none.
  public func label(in model: Model) -> String {
    if let name, !name.isEmpty { return name }
    let output = outputs.lazy.compactMap { $0 }.first.map { model.name(of: $0) } ?? "without outputs"
    return "\(opType) → \(output)"
  }
}
