import Analysis
import Dimensions
import IR

/// A node that sums over channels by a weight of its own and is no ``LinearLayer``: an activation is fused into it, its
/// weight is quantized, it stands in a body. What it loses with channels is neither measured nor made up for.
public struct UnhandledReader: Sendable {
  /// Index into ``ModelAnalysis/nodes``.
  public let node: Int
  /// Index into ``ModelAnalysis/weights``.
  public let weight: Int
  /// The dimension of the group whose channels it sums over.
  public let dimension: DimensionID

  /// The readers of a model in the order they run, one entry a weight and a group.
  /// - Parameter layers: the linear layers of the model.
  static func all(in model: Model, _ analysis: ModelAnalysis, besides layers: [LinearLayer]) -> [UnhandledReader] {
    let linear = Set(layers.map(\.node))
    var found: [UnhandledReader] = []
    for group in analysis.groups {
      for member in group.members where analysis.weights[member.weight].tensor.shape.count > 1 {
        for reader in analysis.weights[member.weight].readers where !linear.contains(reader.node) {
          guard let node = model.node(at: analysis.nodes[reader.node].path), sums(node, group, member, analysis) else {
            continue
          }
          found.append(UnhandledReader(node: reader.node, weight: member.weight, dimension: group.dimension))
        }
      }
    }
    return found.sorted { ($0.node, $0.weight, $0.dimension) < ($1.node, $1.weight, $1.dimension) }
  }

  /// Whether a node that reads a weight sums over a group's channels by it.
  private static func sums(
    _ node: Node, _ group: PruningGroup, _ member: PruningGroup.Member, _ analysis: ModelAnalysis
  ) -> Bool {
    func varies(_ value: ValueID) -> Bool {
      analysis.facts.indices.contains(value.index) && !analysis.facts[value.index].isConstant
    }
    // Indices choose rows of a table.
    func holdsNumbers(_ value: ValueID) -> Bool {
      analysis.facts[value.index].type.map { $0.isFloatingPoint || $0.isQuantized } ?? true
    }
    func hasChannels(_ value: ValueID) -> Bool {
      let axes = analysis.axes[value.index] ?? []
      return axes.contains { analysis.dimensions.leaves($0.dimension).contains(group.dimension) }
    }
    let operands = node.inputs.compactMap { $0 }.filter { varies($0) && holdsNumbers($0) }
    // What only turns a weight makes a constant, and who reads that is a reader, too.
    let outputs = node.outputs.compactMap { $0 }.filter(varies)
    guard !operands.isEmpty, !outputs.isEmpty else { return false }
    if member.role == .consumer { return true }
    // A weight that several nodes read has the role the first one gave it: an embedding's table, say.
    return member.role == .producer && operands.contains(where: hasChannels) && !outputs.contains(where: hasChannels)
  }
}

extension Model {
  /// The node at a place, in a body as well.
  func node(at path: NodePath) -> Node? {
    var graph = self.graph
    for step in path.steps {
      guard graph.nodes.indices.contains(step.node), graph.nodes[step.node].attributes.indices.contains(step.attribute)
      else { return nil }
      switch graph.nodes[step.node].attributes[step.attribute].value {
      case .graph(let body): graph = body
      case .graphs(let bodies) where bodies.indices.contains(step.graph): graph = bodies[step.graph]
      default: return nil
      }
    }
    return graph.nodes.indices.contains(path.index) ? graph.nodes[path.index] : nil
  }
}
