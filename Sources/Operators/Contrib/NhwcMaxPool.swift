import IR

/// `NhwcMaxPool`: a pooling with the channels last.
public struct NhwcMaxPool: Operator {
  public let names: [OperatorName] = [.microsoft("NhwcMaxPool")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Pool.outputShape(&context, channelsLast: true)
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) { Pool.relate(&context, channelsLast: true) }
}
