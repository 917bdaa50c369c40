import Dimensions
import IR

/// The contrib `GroupNorm` and `SkipGroupNorm`: channels last by default, with an optional activation; the latter
/// normalizes a residual sum.
public struct GroupNorm: Operator {
  public let names: [OperatorName] = [.microsoft("GroupNorm"), .microsoft("SkipGroupNorm")]

  public init() {}

  private func channelAxis(_ node: Node, rank: Int) -> Int {
    node.int("channels_last", default: 1) != 0 ? rank - 1 : 1
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0), shape.count > 1 {
      let channels = shape[channelAxis(context.node, rank: shape.count)]
      try GroupNormalization.checkGroups(context.node.int("groups"), channels: channels)
    }
    for output in 0..<2 { context.setOutput(output, type: context.type(0), shape: context.shape(0)) }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    let channelAxis = channelAxis(context.node, rank: x.count)
    let axes = context.node.opType == "SkipGroupNorm" ? sum(&context, x, channelAxis) : x
    // None or SiLU, which keep zero.
    let keepsZero = [0, 1].contains(context.node.int("activation", default: 0))
    GroupNormalization.relate(
      &context, axes, channelAxis: channelAxis, groups: context.node.int("groups"), keepsZero: keepsZero)
    if context.node.opType == "SkipGroupNorm" { context.setOutput(1, axes) }
  }

  /// The input, a residual of its shape (or one number for each channel), and a bias.
  private func sum(_ context: inout AxisContext, _ x: [Axis], _ channelAxis: Int) -> [Axis] {
    var result = x
    for input in [3, 4] where context.has(input) {
      guard let axes = context.input(input), let last = axes.last else {
        context.fixInputs("its residual has an unknown rank")
        return x
      }
      // Which axes of the sum the operand has; what it does not have it leaves without a zero.
      var pairs: [Int: Axis] = [:]
      if axes.count == x.count {
        for index in axes.indices where !context.size(axes[index]).isOne { pairs[index] = axes[index] }
      } else {
        pairs[channelAxis] = last
        if axes.count == 2 { pairs[0] = axes[0] }
      }
      for index in result.indices {
        if let axis = pairs[index] { context.unify(result[index], axis) }
        result[index].vanishes = result[index].vanishes && (pairs[index]?.vanishes ?? false)
      }
      if input == 4 { context.role(input, axis: axes.count - 1, .producer) }
    }
    return result
  }
}
