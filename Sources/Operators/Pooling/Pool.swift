import Dimensions
import IR

/// `MaxPool`, `AveragePool` and `LpPool`: slide along the spatial axes, leave channels apart.
public struct Pool: Operator {
  public let names = [OperatorName("MaxPool"), OperatorName("AveragePool"), OperatorName("LpPool")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Self.outputShape(&context, channelsLast: false)
    context.setOutput(0, type: context.type(0), shape: shape)
    context.setOutput(1, type: .int64, shape: shape)
  }

  static func outputShape(_ context: inout ShapeContext, channelsLast: Bool) throws(OperatorError) -> [Size]? {
    guard let x = context.shape(0) else { return nil }
    guard x.count > 2 else { throw OperatorError("the input has \(x.count) axes, expected at least 3") }
    guard let kernel = context.node.ints("kernel_shape"), kernel.count == x.count - 2 else {
      throw OperatorError(
        "kernel_shape has \(context.node.ints("kernel_shape")?.count ?? 0) entries, expected \(x.count - 2)")
    }
    let window = try Window(context.node, kernel: kernel.map { Int($0) })
    let first = channelsLast ? 1 : 2
    let spatial = try window.outputSizes(
      x[first..<(first + kernel.count)], first: first, roundsUp: context.node.int("ceil_mode", default: 0) != 0,
      &context)
    return x[..<first] + spatial + x[(first + kernel.count)...]
  }

  public func relateAxes(_ context: inout AxisContext) {
    Self.relate(&context, channelsLast: false)
    guard context.node.output(1) != nil, let x = context.input(0), x.count > 2 else { return }
    // Positions of maxima count through the whole tensor.
    context.fix(x[..<2], "positions of maxima count through it")
    context.setFixedOutput(1, "it holds positions")
  }

  /// Zeros pool to zero, so what vanishes before vanishes after.
  static func relate(_ context: inout AxisContext, channelsLast: Bool) {
    guard let x = context.input(0), x.count > 2, let shape = context.outputShape(), shape.count == x.count else {
      return context.fixInputs("its input has an unknown rank")
    }
    let first = channelsLast ? 1 : 2
    var axes = x
    for axis in first..<(first + x.count - 2) {
      context.fix(x[axis], "a window slides along it")
      axes[axis] = context.fixedAxis(shape[axis], "a window slides along it")
    }
    context.setOutput(0, axes)
  }
}
