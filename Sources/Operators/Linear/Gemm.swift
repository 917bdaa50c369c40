import Dimensions
import IR

/// `Gemm`: a matrix product with either operand transposed, plus a broadcast bias.
public struct Gemm: Operator {
  public let names = [OperatorName("Gemm")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let a = context.shape(0), let b = context.shape(1) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    guard a.count == 2, b.count == 2 else {
      throw OperatorError("operands have \(a.count) and \(b.count) axes, expected 2 and 2")
    }
    let (m, k) = isTransposed(context.node, "transA") ? (a[1], a[0]) : (a[0], a[1])
    let (rows, n) = isTransposed(context.node, "transB") ? (b[1], b[0]) : (b[0], b[1])
    if let x = k.known, let y = rows.known, x != y {
      throw OperatorError("the contracted axes have \(x) and \(y) elements")
    }
    if let bias = context.shape(2), let size = bias.last?.known, let width = n.known, size != 1, size != width {
      throw OperatorError("the bias has \(size) elements, expected \(width)")
    }
    context.setOutput(type: context.type(0), shape: [m, n])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var x = context.input(0), var w = context.input(1), x.count == 2, w.count == 2 else {
      return context.fixInputs("an operand is not a matrix of known rank")
    }
    let transposed = (isTransposed(context.node, "transA"), isTransposed(context.node, "transB"))
    if transposed.0 { x.reverse() }
    if transposed.1 { w.reverse() }
    MatMul.relate(&context, x, w, constants: (context.isWeight(0), context.isWeight(1)))
    MatMul.noteRoles(&context, ranks: (2, 2), transposed: transposed)
    guard context.has(2), let shape = context.outputShape() else { return }
    guard let bias = context.input(2) else { return context.fixInputs("its bias has an unknown rank") }
    if context.isWeight(2) { for axis in bias.indices { context.role(2, axis: axis, .producer) } }
    let product = [x[0], w[1]]
    context.setOutput(context.broadcast([product, bias], shape: shape) { $0.allSatisfy { $0 } })
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let x = context.dimensions(0), x.count == 2 else { return [] }
    return [MACTerm(axes: output + [isTransposed(context.node, "transA") ? x[0] : x[1]])]
  }

  private func isTransposed(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }
}
