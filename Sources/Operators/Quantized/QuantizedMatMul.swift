import Dimensions
import IR

/// Matrix products of integers: `MatMulInteger`, `QLinearMatMul`, and contrib products with a float result.
public struct QuantizedMatMul: Operator {
  public let names = [
    OperatorName("MatMulInteger"), OperatorName("QLinearMatMul"), .microsoft("MatMulIntegerToFloat"),
    .microsoft("DynamicQuantizeMatMul"),
  ]

  public init() {}

  /// Where the operators keep what they share.
  private struct Layout {
    let right: Int
    /// Scales and zero points of the rows of the first operand, and of the columns of the second.
    let rowScales: [Int]
    let columnScales: [Int]
    var scalars: [Int] = []
    var bias: Int?

    init(_ node: Node) {
      switch node.opType {
      case "MatMulInteger":
        (right, rowScales, columnScales) = (1, [2], [3])
      case "QLinearMatMul":
        (right, rowScales, columnScales, scalars) = (3, [1, 2], [4, 5], [6, 7])
      case "MatMulIntegerToFloat":
        (right, rowScales, columnScales, bias) = (1, [2, 4], [3, 5], 6)
      default:
        (right, rowScales, columnScales, bias) = (1, [], [2, 3], 4)
      }
    }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let layout = Layout(context.node)
    let shape = try MatMul.outputShape(&context, context.shape(0), context.shape(layout.right))
    if let bias = layout.bias, let width = shape?.last?.known, let size = context.shape(bias)?.last?.known,
      size != width, size != 1
    {
      throw OperatorError("the bias has \(size) elements, expected \(width)")
    }
    let type: DataType? =
      switch context.node.opType {
      case "MatMulInteger": .int32
      case "QLinearMatMul": context.type(7)
      case "MatMulIntegerToFloat": context.type(2)
      default: context.type(0)
      }
    context.setOutput(type: type, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    let layout = Layout(context.node)
    guard let x = context.input(0), let w = context.input(layout.right), let shape = context.outputShape() else {
      return context.fixInputs("an operand has an unknown rank")
    }
    MatMul.relate(&context, x, w, constants: (context.isWeight(0), context.isWeight(layout.right)))
    context.noteProductRoles(0, rank: x.count, contracted: x.count - 1)
    context.noteProductRoles(layout.right, rank: w.count, contracted: w.count - 2)
    let rows = x.count > 1 ? x[x.count - 2].dimension : nil
    let columns = w.count > 1 ? w.last?.dimension : nil
    for input in layout.rowScales { context.relateScale(input, along: rows) }
    for input in layout.columnScales { context.relateScale(input, along: columns) }
    context.relateScales(layout.scalars)
    if context.node.opType == "DynamicQuantizeMatMul" {
      // The range always includes zero, so that zeros do not stretch it.
      for axis in x { context.sumOver(axis, "its range sets the scale of the whole tensor") }
    }
    guard let bias = layout.bias, context.has(bias) else { return }
    guard let values = context.input(bias), let output = context.node.output(0),
      let product = context.axes[output.index]
    else { return context.fixInputs("its bias has an unknown rank") }
    if let last = values.indices.last { context.role(bias, axis: last, .producer) }
    context.setOutput(context.broadcast([product, values], shape: shape) { $0.allSatisfy { $0 } })
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let k = context.dimensions(0)?.last else { return [] }
    return [MACTerm(axes: output + [k])]
  }
}
