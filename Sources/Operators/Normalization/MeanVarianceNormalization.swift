import Dimensions
import IR

/// `MeanVarianceNormalization`: subtracts the mean and divides by the deviation over some axes.
public struct MeanVarianceNormalization: Operator {
  public let names = [OperatorName("MeanVarianceNormalization")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    for attribute in context.node.ints("axes") ?? [0, 2, 3] {
      let axis = attribute < 0 ? Int(attribute) + axes.count : Int(attribute)
      guard axes.indices.contains(axis) else { return context.fixInputs("its axis is outside its input") }
      context.approximate(axes[axis], "MeanVarianceNormalization averages over it")
      axes[axis].vanishes = false
    }
    // Whatever a zeroed slice has become by now, it is the same everywhere, and its deviation is nothing.
    for axis in axes {
      context.approximate(axis, "MeanVarianceNormalization divides by a deviation that is zero where a slice is")
    }
    context.setOutput(axes)
  }
}
