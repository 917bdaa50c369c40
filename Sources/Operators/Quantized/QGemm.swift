import Dimensions
import IR

/// `QGemm`: a matrix product of integers plus an integer bias.
public struct QGemm: Operator {
  public let names: [OperatorName] = [.microsoft("QGemm")]

  public init() {}

  private func isSet(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.has(8) ? context.type(8) : .float
    guard let a = context.shape(0), let b = context.shape(3) else { return context.setOutput(type: type, shape: nil) }
    guard a.count == 2, b.count == 2 else {
      throw OperatorError("operands have \(a.count) and \(b.count) axes, expected 2 and 2")
    }
    let shape = try MatMul.outputShape(
      &context, isSet(context.node, "transA") ? a.reversed() : a, isSet(context.node, "transB") ? b.reversed() : b)
    if let size = context.shape(6)?.last?.known, let width = shape?.last?.known, size != 1, size != width {
      throw OperatorError("the bias has \(size) elements, expected \(width)")
    }
    context.setOutput(type: type, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var x = context.input(0), var w = context.input(3), x.count == 2, w.count == 2,
      let shape = context.outputShape()
    else { return context.fixInputs("an operand is not a matrix of known rank") }
    if isSet(context.node, "transA") { x.reverse() }
    if isSet(context.node, "transB") { w.reverse() }
    MatMul.relate(&context, x, w, constants: (context.isWeight(0), context.isWeight(3)))
    context.noteProductRoles(0, rank: 2, contracted: isSet(context.node, "transA") ? 0 : 1)
    context.noteProductRoles(3, rank: 2, contracted: isSet(context.node, "transB") ? 1 : 0)
    context.relateScales([1, 2, 7, 8])
    for input in [4, 5] { context.relateScale(input, along: w[1].dimension) }
    guard context.has(6) else { return }
    guard let bias = context.input(6) else { return context.fixInputs("its bias has an unknown rank") }
    if let last = bias.indices.last { context.role(6, axis: last, .producer) }
    context.setOutput(context.broadcast([[x[0], w[1]], bias], shape: shape) { $0.allSatisfy { $0 } })
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let x = context.dimensions(0), x.count == 2 else { return [] }
    return [MACTerm(axes: output + [isSet(context.node, "transA") ? x[0] : x[1]])]
  }
}
