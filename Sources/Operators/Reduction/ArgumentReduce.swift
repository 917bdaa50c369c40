import Dimensions
import IR

/// `ArgMax` and `ArgMin`: positions along an axis, which is therefore fixed.
public struct ArgumentReduce: Operator {
  public let names = [OperatorName("ArgMax"), OperatorName("ArgMin")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return context.setOutput(type: .int64, shape: nil) }
    let axis = try context.axis(context.node.int("axis", default: 0), rank: shape.count)
    if context.node.int("keepdims", default: 1) != 0 { shape[axis] = .known(1) } else { shape.remove(at: axis) }
    context.setOutput(type: .int64, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0) else { return }
    let attribute = Int(context.node.int("axis", default: 0))
    let along = attribute < 0 ? attribute + axes.count : attribute
    guard axes.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
    context.fix(axes[along], "\(context.node.opType) returns positions along it")
    let keeps = context.node.int("keepdims", default: 1) != 0
    if keeps { axes[along] = context.fixedAxis(.known(1), "its size is one") } else { axes.remove(at: along) }
    // Of equal zeros it is the last position that is returned where the node says so.
    let keepsZero = context.node.int("select_last_index", default: 0) == 0
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }
}
