import Dimensions
import IR

/// Poolings over all positions.
public struct GlobalPool: Operator {
  public let names = [OperatorName("GlobalAveragePool"), OperatorName("GlobalMaxPool"), OperatorName("GlobalLpPool")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0).map { Self.outputShape($0, channelsLast: false) })
  }

  static func outputShape(_ shape: [Size], channelsLast: Bool) -> [Size] {
    shape.enumerated().map { axis, size in
      isChannel(axis, rank: shape.count, channelsLast: channelsLast) ? size : .known(1)
    }
  }

  /// Whether an axis stays as it is: the batch and the channels.
  private static func isChannel(_ axis: Int, rank: Int, channelsLast: Bool) -> Bool {
    axis == 0 || axis == (channelsLast ? rank - 1 : 1)
  }

  public func relateAxes(_ context: inout AxisContext) { Self.relate(&context, channelsLast: false) }

  static func relate(_ context: inout AxisContext, channelsLast: Bool) {
    guard var axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    for axis in axes.indices where !isChannel(axis, rank: axes.count, channelsLast: channelsLast) {
      context.fix(axes[axis], "it is pooled over")
      axes[axis] = context.fixedAxis(.known(1), "its size is one")
    }
    context.setOutput(axes)
  }
}
