import Dimensions
import IR

/// `LpNormalization`, `LRN` and `MeanVarianceNormalization`: scale by statistics over axes.
public struct LpNormalization: Operator {
  public let names = [
    OperatorName("LpNormalization"), OperatorName("LRN"), OperatorName("MeanVarianceNormalization"),
  ]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), !axes.isEmpty else { return }
    let over: [Int64]
    switch context.node.opType {
    case "LRN": over = [1]
    case "LpNormalization": over = [context.node.int("axis", default: -1)]
    default: over = context.node.ints("axes") ?? [0, 2, 3]
    }
    for attribute in over {
      let axis = attribute < 0 ? Int(attribute) + axes.count : Int(attribute)
      guard axes.indices.contains(axis) else { return context.fixInputs("its axis is outside its input") }
      context.approximate(axes[axis], "\(context.node.opType) normalizes over it")
      if context.node.opType == "MeanVarianceNormalization" { axes[axis].vanishes = false }
    }
    context.setOutput(axes)
  }
}
