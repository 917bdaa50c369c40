import Dimensions
import IR

/// `QLinearConcat`: a sum of dimensions along one axis, each operand with a scale and a zero point.
public struct QLinearConcat: Operator {
  public let names: [OperatorName] = [.microsoft("QLinearConcat")]

  public init() {}

  /// The output's scale and zero point come first, then operands in threes.
  private func operands(_ node: Node) -> StrideTo<Int> { stride(from: 2, to: max(2, node.inputs.count), by: 3) }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var result: [Size]?
    for input in operands(context.node) {
      guard let shape = context.shape(input) else { return context.setOutput(type: context.type(1), shape: nil) }
      let along = try context.axis(context.node.int("axis", default: 1), rank: shape.count)
      guard var sum = result else {
        result = shape
        continue
      }
      guard sum.count == shape.count else {
        throw OperatorError("it joins tensors of \(sum.count) and \(shape.count) axes")
      }
      for axis in shape.indices where axis != along {
        if let a = sum[axis].known, let b = shape[axis].known, a != b {
          throw OperatorError("axis \(axis) has \(a) and \(b) elements")
        }
        if sum[axis].known == nil { sum[axis] = shape[axis] }
      }
      sum[along] = sum[along].plus(shape[along]) ?? context.freshSize(axis: along)
      result = sum
    }
    context.setOutput(type: context.type(1), shape: result)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let shape = context.outputShape() else { return context.fixInputs("an operand has an unknown rank") }
    let attribute = Int(context.node.int("axis", default: 1))
    let along = attribute < 0 ? attribute + shape.count : attribute
    context.relateScales([0, 1])
    var joined: [Axis]?
    var parts: [Axis] = []
    for input in operands(context.node) {
      guard let axes = context.input(input), axes.count == shape.count, shape.indices.contains(along) else {
        return context.fixInputs("an operand has an unknown rank")
      }
      context.relateScales([input + 1, input + 2])
      parts.append(axes[along])
      guard var result = joined else {
        joined = axes
        continue
      }
      for axis in axes.indices where axis != along {
        context.unify(result[axis], axes[axis])
        result[axis].vanishes = result[axis].vanishes && axes[axis].vanishes
      }
      joined = result
    }
    guard var axes = joined else { return }
    axes[along] = Axis(context.dimensions.sum(parts.map(\.dimension)), vanishes: parts.allSatisfy(\.vanishes))
    context.setOutput(axes)
  }
}
