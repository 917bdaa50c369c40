import Dimensions
import IR

/// `InstanceNormalization`: normalizes each channel over its positions.
public struct InstanceNormalization: Operator {
  public let names = [OperatorName("InstanceNormalization")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    for input in 1..<3 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its scale has an unknown shape")
      }
      context.unify(axes[1], values[0])
      context.role(input, axis: 0, .rider)
    }
    for index in 2..<max(2, axes.count) {
      context.approximate(axes[index], "InstanceNormalization averages over it")
      axes[index].vanishes = false
    }
    axes[1].vanishes = context.isWeight(1) && context.isWeight(2)
    context.setOutput(axes)
  }
}
