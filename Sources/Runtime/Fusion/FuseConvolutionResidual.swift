import IR
import Operators

/// A convolution whose output is added to another tensor of the same shape, as at the end of a residual block.
struct FuseConvolutionResidual: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let add = graph.node(index), graph.isOperator(add, "Add"), let output = add.output(0),
      let a = add.input(0), let b = add.input(1), a != b, graph.haveSameShape(a, b)
    else { return }
    for (convolved, residual) in [(a, b), (b, a)] {
      guard graph.isReadOnce(convolved), let producer = graph.producer(of: convolved), let node = graph.node(producer),
        var fused = FuseConvolutionActivation.fusible(node, graph), fused.input(3) == nil
      else { continue }
      fused.inputs += [ValueID?](repeating: nil, count: max(0, 4 - fused.inputs.count))
      fused.inputs[3] = residual
      fused.outputs = [output]
      graph.replace(index, with: fused, removing: [producer])
      return
    }
  }
}
