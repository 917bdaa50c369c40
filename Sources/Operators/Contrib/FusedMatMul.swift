import Dimensions
import IR

/// `FusedMatMul`: a scaled matrix product with either operand transposed.
public struct FusedMatMul: Operator {
  public let names: [OperatorName] = [.microsoft("FusedMatMul"), .microsoft("TransposeMatMul")]

  public init() {}

  func isSet(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }

  /// Whether rows and batches change places, which nobody but the optimizer of one training framework writes.
  func movesBatches(_ node: Node) -> Bool { isSet(node, "transBatchA") || isSet(node, "transBatchB") }

  func laidOut<Element>(_ axes: [Element], transposed: Bool) -> [Element] {
    guard transposed, axes.count > 1 else { return axes }
    var axes = axes
    axes.swapAt(axes.count - 1, axes.count - 2)
    return axes
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard !movesBatches(context.node) else { return context.setOutput(type: context.type(0), shape: nil) }
    let a = context.shape(0).map { laidOut($0, transposed: isSet(context.node, "transA")) }
    let b = context.shape(1).map { laidOut($0, transposed: isSet(context.node, "transB")) }
    context.setOutput(type: context.type(0), shape: try MatMul.outputShape(&context, a, b))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard !movesBatches(context.node), let x = context.input(0), let w = context.input(1),
      context.outputShape() != nil
    else { return context.fixInputs("its operands' layout is not understood") }
    let transposed = (isSet(context.node, "transA"), isSet(context.node, "transB"))
    MatMul.relate(
      &context, laidOut(x, transposed: transposed.0), laidOut(w, transposed: transposed.1),
      constants: (context.isWeight(0), context.isWeight(1)))
    MatMul.noteRoles(&context, ranks: (x.count, w.count), transposed: transposed)
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard !movesBatches(context.node), let output = context.outputDimensions(), let x = context.dimensions(0),
      let k = laidOut(x, transposed: isSet(context.node, "transA")).last
    else { return [] }
    return [MACTerm(axes: output + [k])]
  }
}
