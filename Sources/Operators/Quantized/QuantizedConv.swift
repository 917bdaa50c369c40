import Dimensions
import IR

/// `QLinearConv` and `ConvInteger`: convolutions of integers, whose weight may have a scale for each output channel.
/// The runtime's optimizer writes `QLinearConv` with the channels of input and output last; the weight stays as it is.
public struct QuantizedConv: Operator {
  public let names = [OperatorName("QLinearConv"), OperatorName("ConvInteger"), .microsoft("QLinearConv")]

  public init() {}

  /// Where the two operators keep what they share.
  private struct Layout {
    let weight: Int
    let bias: Int?
    let scalars: [Int]
    let channelScales: [Int]
    let channels: ChannelLayout

    init(_ node: Node) {
      channels = node.int("channels_last", default: 0) != 0 ? .last : .second
      if node.opType == "ConvInteger" {
        (weight, bias, scalars, channelScales) = (1, nil, [2], [3])
      } else {
        (weight, bias, scalars, channelScales) = (3, 8, [1, 2, 6, 7], [4, 5])
      }
    }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let layout = Layout(context.node)
    let shape = try Conv.outputShape(
      &context, input: 0, weight: layout.weight, bias: layout.bias, layout: layout.channels)
    let type = context.node.opType == "ConvInteger" ? .int32 : context.type(7)
    context.setOutput(type: type, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    let layout = Layout(context.node)
    Conv.relate(&context, input: 0, weight: layout.weight, bias: layout.bias, layout: layout.channels)
    context.relateScales(layout.scalars)
    guard let channels = context.input(layout.weight)?.first else { return }
    for input in layout.channelScales { context.relateScale(input, along: channels.dimension) }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    let layout = Layout(context.node)
    return Conv.macs(context, weight: layout.weight, layout: layout.channels)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}
