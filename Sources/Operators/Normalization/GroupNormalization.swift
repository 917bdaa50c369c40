import Dimensions
import IR

/// `GroupNormalization`: normalizes blocks of channels, whose number stays.
public struct GroupNormalization: Operator {
  public let names = [OperatorName("GroupNormalization")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0), shape.count > 1 {
      try Self.checkGroups(context.node.int("num_groups"), channels: shape[1])
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  static func checkGroups(_ groups: Int64?, channels: Size) throws(OperatorError) {
    guard let groups, groups > 0 else { throw OperatorError("it does not say into how many groups channels fall") }
    if let channels = channels.known, Int64(channels) % groups != 0 {
      throw OperatorError("it has \(channels) channels, which \(groups) groups do not divide")
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    Self.relate(&context, axes, channelAxis: 1, groups: context.node.int("num_groups"), keepsZero: true)
  }

  /// Relates what is normalized (which need not be the node's input) to scale, shift and the first output.
  static func relate(
    _ context: inout AxisContext, _ input: [Axis], channelAxis: Int, groups: Int64?, keepsZero: Bool
  ) {
    var axes = input
    guard axes.indices.contains(channelAxis), axes.count > 1,
      let channels = context.size(axes[channelAxis]).known, let groups = groups.flatMap({ Int(exactly: $0) }),
      groups > 0, channels % groups == 0
    else { return context.fixInputs("its groups are not known") }
    let outer = context.fixedAxis(.known(groups), "it counts the groups of a normalization").dimension
    let inner = context.dimensions.make(.known(channels / groups))
    let product = context.dimensions.product([outer, inner])
    context.unify(axes[channelAxis].dimension, product)
    context.approximate(Axis(inner, vanishes: true), "\(context.node.opType) averages over it")
    for index in axes.indices where index != 0 && index != channelAxis {
      context.approximate(axes[index], "\(context.node.opType) averages over it")
    }
    var vanishes = keepsZero
    for input in 1..<3 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its scale has an unknown shape")
      }
      // Operator set 18 has one scale for each group, later ones (and contrib) one for each channel.
      if context.size(values[0]).known == channels {
        context.unify(axes[channelAxis], values[0])
        vanishes = vanishes && values[0].vanishes
      } else {
        context.fix(values[0], "it scales whole groups")
        vanishes = false
      }
      context.role(input, axis: 0, .rider)
    }
    for index in axes.indices { axes[index].vanishes = index == channelAxis && vanishes }
    context.setOutput(axes)
  }
}
