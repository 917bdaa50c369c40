import Dimensions
import IR

/// `QLinearAveragePool` and `QLinearGlobalAveragePool`: poolings of integers, channels second or last.
public struct QLinearPool: Operator {
  public let names: [OperatorName] = [.microsoft("QLinearAveragePool"), .microsoft("QLinearGlobalAveragePool")]

  public init() {}

  private func isGlobal(_ node: Node) -> Bool { node.opType == "QLinearGlobalAveragePool" }

  private func channelsLast(_ node: Node) -> Bool { node.int("channels_last", default: 0) != 0 }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let channelsLast = channelsLast(context.node)
    let shape =
      isGlobal(context.node)
      ? context.shape(0).map { GlobalPool.outputShape($0, channelsLast: channelsLast) }
      : try Pool.outputShape(&context, channelsLast: channelsLast)
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.relateScales([1, 2, 3, 4])
    if isGlobal(context.node) {
      GlobalPool.relate(&context, channelsLast: channelsLast(context.node))
    } else {
      Pool.relate(&context, channelsLast: channelsLast(context.node))
    }
  }
}
