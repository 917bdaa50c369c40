import Dimensions
import IR

/// The contrib `GroupNorm`: channels last by default, with an optional activation.
public struct GroupNorm: Operator {
  public let names: [OperatorName] = [.microsoft("GroupNorm")]

  public init() {}

  private func channelAxis(_ node: Node, rank: Int) -> Int {
    node.int("channels_last", default: 1) != 0 ? rank - 1 : 1
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0), shape.count > 1 {
      let channels = shape[channelAxis(context.node, rank: shape.count)]
      try GroupNormalization.checkGroups(context.node.int("groups"), channels: channels)
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    // None or SiLU, which keep zero.
    let keepsZero = [0, 1].contains(context.node.int("activation", default: 0))
    GroupNormalization.relate(
      &context, channelAxis: channelAxis(context.node, rank: axes.count), groups: context.node.int("groups"),
      keepsZero: keepsZero)
  }
}
