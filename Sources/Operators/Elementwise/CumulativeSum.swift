import Dimensions
import IR

/// `CumSum` and `CumProd`: mix along their axis, which is therefore fixed.
public struct CumulativeSum: Operator {
  public let names = [OperatorName("CumSum"), OperatorName("CumProd")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0) else { return }
    if let along = context.facts(1).knownInts?.first, along >= -axes.count, along < axes.count {
      context.fix(axes[along < 0 ? along + axes.count : along], "\(context.node.opType) accumulates along it")
    } else {
      context.fix(axes, "\(context.node.opType) accumulates along an axis known only at run time")
      for index in axes.indices { axes[index].vanishes = false }
    }
    // An exclusive product begins with a one.
    if context.node.opType == "CumProd" { for index in axes.indices { axes[index].vanishes = false } }
    context.setOutput(axes)
  }
}
