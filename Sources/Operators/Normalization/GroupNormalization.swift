import Dimensions
import IR

/// `GroupNormalization`: normalizes blocks of channels, whose number stays.
public struct GroupNormalization: Operator {
  public let names = [OperatorName("GroupNormalization")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), axes.count > 1, let channels = context.size(axes[1]).known,
      let groups = context.node.int("num_groups").flatMap({ Int(exactly: $0) }), groups > 0, channels % groups == 0
    else { return context.fixInputs("its groups are not known") }
    let outer = context.fixedAxis(.known(groups), "it counts the groups of a normalization").dimension
    let inner = context.dimensions.make(.known(channels / groups))
    let product = context.dimensions.product([outer, inner])
    context.unify(axes[1].dimension, product)
    context.approximate(Axis(inner, vanishes: true), "GroupNormalization averages over it")
    for input in 1..<3 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its scale has an unknown shape")
      }
      // Before operator set 21 there is one scale a group.
      if context.size(values[0]).known == channels {
        context.unify(axes[1], values[0])
      } else {
        context.fix(values[0], "it scales whole groups")
      }
      context.role(input, axis: 0, .rider)
    }
    axes[1].vanishes = false
    context.setOutput(axes)
  }
}
