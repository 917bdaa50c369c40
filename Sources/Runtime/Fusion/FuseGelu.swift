import IR
import Operators

/// `x · ½ · (1 + erf(x / √2))`, spelled as five nodes by exporters for operator sets without `Gelu`.
struct FuseGelu: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let last = graph.node(index), graph.isOperator(last, "Mul"), let output = last.output(0),
      // A number with axes of its own gives them to the output.
      let match = match(last, graph), graph.haveSameShape(match.operand, output)
    else { return }
    graph.replace(
      index,
      with: Node(
        inputs: [match.operand], outputs: [output], name: last.name, opType: "Gelu", domain: "com.microsoft"),
      removing: match.nodes)
  }

  private func match(_ last: Node, _ graph: FusionGraph) -> (operand: ValueID, nodes: [Int])? {
    // (x · e) · ½
    if let (product, half) = graph.operandAndNumber(last), half == 0.5,
      let inner = graph.onlyProducer(of: product, "Mul")
    {
      for (x, e) in [(0, 1), (1, 0)] {
        if let operand = inner.node.input(x), let gate = gate(inner.node.input(e), of: operand, graph) {
          return (operand, gate + [inner.index])
        }
      }
    }
    // (x · ½) · e
    for (scaled, e) in [(0, 1), (1, 0)] {
      if let inner = graph.onlyProducer(of: last.input(scaled), "Mul"),
        let (operand, half) = graph.operandAndNumber(inner.node), half == 0.5,
        let gate = gate(last.input(e), of: operand, graph)
      {
        return (operand, gate + [inner.index])
      }
    }
    // x · (e · ½)
    for (x, scaled) in [(0, 1), (1, 0)] {
      if let operand = last.input(x), let inner = graph.onlyProducer(of: last.input(scaled), "Mul"),
        let (sum, half) = graph.operandAndNumber(inner.node), half == 0.5, let gate = gate(sum, of: operand, graph)
      {
        return (operand, gate + [inner.index])
      }
    }
    return nil
  }

  /// The nodes of `1 + erf(x / √2)`.
  private func gate(_ value: ValueID?, of operand: ValueID, _ graph: FusionGraph) -> [Int]? {
    guard let add = graph.onlyProducer(of: value, "Add"), let (error, one) = graph.operandAndNumber(add.node), one == 1,
      let erf = graph.onlyProducer(of: error, "Erf"),
      let scale = graph.onlyProducer(of: erf.node.input(0), "Div", "Mul"),
      let factor = factor(scale.node, operand, graph), abs(factor - 0.5.squareRoot()) < 1e-4
    else { return nil }
    return [add.index, erf.index, scale.index]
  }

  private func factor(_ node: Node, _ operand: ValueID, _ graph: FusionGraph) -> Double? {
    if node.opType == "Div" {
      guard node.input(0) == operand, let number = graph.number(node.input(1)) else { return nil }
      return 1 / Double(number)
    }
    guard let (factor, number) = graph.operandAndNumber(node), factor == operand else { return nil }
    return Double(number)
  }
}
