/// Lets the readers of an `Identity` read what it copies, and removes the node.
///
/// An `Identity` that makes an output of its graph stays: the output's name is part of the interface.
public struct FoldIdentityPass: Pass {
  public static let name = "fold-identity"
  public static let abstract = "Removes Identity nodes; what read their outputs reads their inputs."
  public static let options: [PassOption] = []

  public init() {}

  public init(_ options: OptionValues) throws(ConfigError) {}

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    var aliases: [ValueID: ValueID] = [:]
    // In a body that has a value of the same name, the copied one could not be named.
    var uses: [String: Int] = [:]
    for name in model.valueNames { uses[name, default: 0] += 1 }
    let folded = Self.folding(model.graph, &aliases) { uses[model.name(of: $0)] == 1 }
    if !aliases.isEmpty { model.graph = Self.renaming(folded, aliases) }
    return PassReport(isModified: !aliases.isEmpty, statistics: [("removedNodes", .int(aliases.count))])
  }

  /// The graph without the nodes to fold, whose outputs go to `aliases`.
  private static func folding(
    _ graph: Graph, _ aliases: inout [ValueID: ValueID], canBeReadAnywhere: (ValueID) -> Bool
  ) -> Graph {
    guard graph.carried == .none else { return graph }
    var graph = graph
    let outputs = Set(graph.outputs.map(\.value))
    graph.nodes.removeAll { node in
      guard node.opType == "Identity", node.canonicalDomain.isEmpty, let output = node.output(0),
        let input = node.input(0), !outputs.contains(output), canBeReadAnywhere(input)
      else { return false }
      aliases[output] = input
      return true
    }
    graph.valueInfo.removeAll { aliases[$0.value] != nil }
    for node in graph.nodes.indices {
      graph.nodes[node].mapBodies { folding($0, &aliases, canBeReadAnywhere: canBeReadAnywhere) }
    }
    return graph
  }

  private static func renaming(_ graph: Graph, _ aliases: [ValueID: ValueID]) -> Graph {
    var graph = graph
    for node in graph.nodes.indices {
      for input in graph.nodes[node].inputs.indices {
        // The graph has no cycle, so a chain of copies ends.
        while let value = graph.nodes[node].inputs[input], let source = aliases[value] {
          graph.nodes[node].inputs[input] = source
        }
      }
      graph.nodes[node].mapBodies { renaming($0, aliases) }
    }
    return graph
  }
}

extension Node {
  /// Replaces the graphs this node carries.
  fileprivate mutating func mapBodies(_ change: (Graph) -> Graph) {
    for index in attributes.indices {
      switch attributes[index].value {
      case .graph(let body): attributes[index].value = .graph(change(body))
      case .graphs(let bodies): attributes[index].value = .graphs(bodies.map(change))
      default: break
      }
    }
  }
}
