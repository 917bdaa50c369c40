import IR
import Operators

/// `(x − mean) / √(variance + ε) · scale + shift` over the last axis, spelled as nine nodes by exporters for operator
/// sets without `LayerNormalization`.
struct FuseLayerNormalization: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let add = graph.node(index), graph.isOperator(add, "Add"), let output = add.output(0) else { return }
    for (scaled, shift) in [(0, 1), (1, 0)] {
      guard let shift = add.input(shift), let multiply = graph.onlyProducer(of: add.input(scaled), "Mul") else {
        continue
      }
      for (normalized, scale) in [(0, 1), (1, 0)] {
        guard let scale = multiply.node.input(scale),
          let match = match(multiply.node.input(normalized), graph),
          let scaleShape = graph.constant(scale)?.shape, let shiftShape = graph.constant(shift)?.shape,
          scaleShape.count == 1, scaleShape == shiftShape,
          // Numbers with axes of their own give them to the output.
          graph.haveSameShape(match.operand, output), graph.shape(match.operand)?.last?.known == scaleShape[0]
        else { continue }
        graph.replace(
          index,
          with: Node(
            inputs: [match.operand, scale, shift], outputs: [output], name: add.name, opType: "LayerNormalization",
            domain: "com.microsoft",
            attributes: [
              Attribute(name: "axis", value: .int(-1)), Attribute(name: "epsilon", value: .float(match.epsilon)),
            ]),
          removing: match.nodes + [multiply.index])
        return
      }
    }
  }

  private func match(_ value: ValueID?, _ graph: FusionGraph) -> (operand: ValueID, epsilon: Float, nodes: [Int])? {
    guard let divide = graph.onlyProducer(of: value, "Div"),
      let centred = divide.node.input(0),
      let centre = graph.producer(of: centred).flatMap({ index in
        graph.node(index).map { (index: index, node: $0) }
      }), graph.isOperator(centre.node, "Sub"), let operand = centre.node.input(0),
      let mean = graph.onlyProducer(of: centre.node.input(1), "ReduceMean"), mean.node.input(0) == operand,
      isOverLastAxis(mean.node, graph),
      let root = graph.onlyProducer(of: divide.node.input(1), "Sqrt"),
      let sum = graph.onlyProducer(of: root.node.input(0), "Add"),
      let (variance, epsilon) = graph.operandAndNumber(sum.node),
      let average = graph.onlyProducer(of: variance, "ReduceMean"), isOverLastAxis(average.node, graph),
      let square = graph.onlyProducer(of: average.node.input(0), "Pow", "Mul"), square.node.input(0) == centred,
      square.node.opType == "Mul" ? square.node.input(1) == centred : graph.number(square.node.input(1)) == 2,
      graph.useCount(centred) == (square.node.opType == "Mul" ? 3 : 2)
    else { return nil }
    return (
      operand, epsilon,
      [divide.index, centre.index, mean.index, root.index, sum.index, average.index, square.index]
    )
  }

  private func isOverLastAxis(_ node: Node, _ graph: FusionGraph) -> Bool {
    guard node.int("keepdims", default: 1) == 1 else { return false }
    if let axes = node.ints("axes") { return axes == [-1] }
    guard let tensor = graph.constant(node.input(1)), tensor.elementCount == 1,
      let stored = try? RuntimeValue(tensor, precision: .single)
    else { return false }
    return stored.integer == -1
  }
}
