import Dimensions
import IR

/// `TopK`: sorts along an axis, which is therefore fixed.
public struct TopK: Operator {
  public let names = [OperatorName("TopK")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return }
    let axis = try context.axis(context.node.int("axis", default: -1), rank: shape.count)
    let count = context.ints(input: 1, orAttribute: "k")?.first ?? context.node.int("k").map(Int.init)
    shape[axis] = count.map { .known($0) } ?? context.freshSize(axis: axis)
    context.setOutput(0, type: context.type(0), shape: shape)
    context.setOutput(1, type: .int64, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), let shape = context.outputShape(), shape.count == axes.count else {
      return context.fixInputs("its input has an unknown rank")
    }
    let attribute = Int(context.node.int("axis", default: -1))
    let along = attribute < 0 ? attribute + axes.count : attribute
    guard axes.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
    context.fix(axes[along], "TopK sorts along it")
    axes[along] = context.fixedAxis(shape[along], "TopK sorts along it")
    context.setOutput(0, axes)
    context.setOutput(1, axes.map { Axis($0.dimension, vanishes: false) })
  }
}
