import IR
import Operators

/// Batch normalization while training, and the rectifier behind it: one pass over the channels for both.
struct FuseNormalizationActivation: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let activation = graph.node(index), let output = activation.output(0),
      let name = name(activation, graph), graph.isReadOnce(activation.input(0)),
      let producer = graph.producer(of: activation.input(0)), var normalization = graph.node(producer),
      normalization.opType == "BatchNormalizationTraining", normalization.domain == OperatorName.ownDomain,
      normalization.output(0) == activation.input(0), normalization.string("activation") ?? "" == ""
    else { return }
    normalization.outputs[0] = output
    normalization.setAttribute("activation", .string(Array(name.utf8)))
    // Takes the activation's place: everything that reads it comes later.
    graph.replace(index, with: normalization, removing: [producer])
  }

  private func name(_ node: Node, _ graph: FusionGraph) -> String? {
    if graph.isOperator(node, "Relu") { return "Relu" }
    guard graph.isOperator(node, "Clip") else { return nil }
    let low = node.input(1).flatMap { graph.number($0) } ?? node.float("min")
    let high = node.input(2).flatMap { graph.number($0) } ?? node.float("max")
    return low == 0 && high == 6 ? "Clip6" : nil
  }
}
