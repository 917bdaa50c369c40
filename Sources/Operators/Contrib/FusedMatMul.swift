import Dimensions
import IR

/// `FusedMatMul`: a scaled matrix product with either operand transposed.
public struct FusedMatMul: Operator {
  public let names: [OperatorName] = [.microsoft("FusedMatMul")]

  private func isSet(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }

  private func laidOut<Element>(_ axes: [Element], transposed: Bool) -> [Element] {
    guard transposed, axes.count > 1 else { return axes }
    var axes = axes
    axes.swapAt(axes.count - 1, axes.count - 2)
    return axes
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard !isSet(context.node, "transBatchA"), !isSet(context.node, "transBatchB") else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    let a = context.shape(0).map { laidOut($0, transposed: isSet(context.node, "transA")) }
    let b = context.shape(1).map { laidOut($0, transposed: isSet(context.node, "transB")) }
    context.setOutput(type: context.type(0), shape: try MatMul.outputShape(&context, a, b))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let w = context.input(1), context.outputShape() != nil else {
      return context.fixInputs("its operands' layout is not understood")
    }
    let transposed = (isSet(context.node, "transA"), isSet(context.node, "transB"))
    MatMul.relate(
      &context, laidOut(x, transposed: transposed.0), laidOut(w, transposed: transposed.1),
      constants: (context.isWeight(0), context.isWeight(1)))
    MatMul.noteRoles(&context, ranks: (x.count, w.count), transposed: transposed)
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let x = context.dimensions(0) else { return [] }
    guard let k = laidOut(x, transposed: isSet(context.node, "transA")).last else { return [] }
    return [MACTerm(axes: output + [k])]
  }
}
