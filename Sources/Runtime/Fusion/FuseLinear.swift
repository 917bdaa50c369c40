import IR
import Operators

/// A linear layer, spelled as `Transpose` of the weight, `MatMul` and `Add` of the bias: one product that reads the
/// weight as it lies and begins with the bias.
struct FuseLinear: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    // Products of integers take no bias.
    guard let node = graph.node(index), graph.isFloatingPoint(node.input(0)) else { return }
    if graph.isOperator(node, "MatMul") { turnWeight(node, index, &graph) }
    if graph.isOperator(node, "Add") { addBias(node, index, &graph) }
  }

  private func turnWeight(_ node: Node, _ index: Int, _ graph: inout FusionGraph) {
    guard let x = node.input(0), let rank = graph.shape(x)?.count, rank >= 2,
      let turned = node.input(1), let producer = graph.producer(of: turned),
      let transpose = graph.node(producer), graph.isOperator(transpose, "Transpose"),
      let weight = transpose.input(0), graph.shape(weight)?.count == 2, transpose.ints("perm") ?? [1, 0] == [1, 0],
      // Only stored matrices: how often others are read must stay known.
      graph.producer(of: weight) == nil
    else { return }
    graph.replace(
      index,
      with: Node(
        inputs: [x, weight], outputs: node.outputs, name: node.name, opType: "MatrixMultiply",
        domain: OperatorName.ownDomain, attributes: [Attribute(name: "transB", value: .int(1))]),
      removing: graph.isReadOnce(turned) ? [producer] : [])
  }

  private func addBias(_ add: Node, _ index: Int, _ graph: inout FusionGraph) {
    for (product, bias) in [(0, 1), (1, 0)] {
      guard let product = add.input(product), graph.isReadOnce(product), let producer = graph.producer(of: product),
        let node = graph.node(producer), isProduct(node, graph), node.input(2) == nil,
        let a = graph.shape(node.input(0)), a.count >= 2, let b = graph.shape(node.input(1)), b.count >= 2,
        let bias = add.input(bias), let length = graph.shape(bias), length.count == 1, let width = length[0].known,
        graph.shape(product)?.last?.known == width
      else { continue }
      graph.replace(
        index,
        with: Node(
          inputs: [node.input(0), node.input(1), bias], outputs: add.outputs, name: node.name,
          opType: "MatrixMultiply", domain: OperatorName.ownDomain, attributes: node.attributes),
        removing: [producer])
      return
    }
  }

  private func isProduct(_ node: Node, _ graph: FusionGraph) -> Bool {
    graph.isOperator(node, "MatMul")
      || node.domain == OperatorName.ownDomain && node.opType == "MatrixMultiply" && node.attribute("alpha") == nil
  }
}
