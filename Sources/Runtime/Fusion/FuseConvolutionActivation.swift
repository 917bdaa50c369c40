import IR
import Operators

/// A convolution and the activation behind it: the activation is computed while the convolution's output is in the
/// cache.
struct FuseConvolutionActivation: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let activation = graph.node(index), let output = activation.output(0),
      let (name, parameters) = describe(activation, graph), let input = activation.input(0),
      graph.isReadOnce(input), let producer = graph.producer(of: input), let convolution = graph.node(producer),
      var fused = FuseConvolutionActivation.fusible(convolution, graph)
    else { return }
    fused.outputs = [output]
    fused.setAttribute("activation", .string(Array(name.utf8)))
    if !parameters.isEmpty { fused.setAttribute("activation_params", .floats(parameters)) }
    graph.replace(index, with: fused, removing: [producer])
  }

  /// A convolution as the fused operator spells it; `nil` where it ends in an activation already.
  static func fusible(_ node: Node, _ graph: FusionGraph) -> Node? {
    if graph.isOperator(node, "Conv") {
      var fused = node
      fused.opType = "FusedConvolution"
      fused.domain = OperatorName.ownDomain
      return fused
    }
    guard node.domain == OperatorName.ownDomain, node.opType == "FusedConvolution", node.attribute("activation") == nil
    else { return nil }
    return node
  }

  private func describe(_ node: Node, _ graph: FusionGraph) -> (name: String, parameters: [Float])? {
    guard node.canonicalDomain.isEmpty else { return nil }
    switch node.opType {
    case "Relu", "HardSwish": return (node.opType, [])
    case "LeakyRelu": return ("LeakyRelu", [node.float("alpha") ?? 0.01])
    case "Clip":
      guard let low = bound(node, 1, "min", graph), let high = bound(node, 2, "max", graph) else { return nil }
      return ("Clip", [low, high])
    default: return nil
    }
  }

  /// A bound of `Clip`, infinite where it is left out; `nil` where it is computed.
  private func bound(_ node: Node, _ input: Int, _ name: String, _ graph: FusionGraph) -> Float? {
    if let value = node.input(input) { return graph.number(value) }
    return node.float(name) ?? (name == "min" ? -.infinity : .infinity)
  }
}
