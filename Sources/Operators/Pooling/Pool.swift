import Dimensions
import IR

/// Poolings: slide along the spatial axes, leave channels apart.
public struct Pool: Operator {
  public let names = [OperatorName("MaxPool"), OperatorName("AveragePool"), OperatorName("LpPool")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), x.count > 2 else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let kernel = context.node.ints("kernel_shape"), kernel.count == x.count - 2 else {
      throw OperatorError("kernel_shape has not \(x.count - 2) entries")
    }
    let window = try Window(context.node, kernel: kernel.map { Int($0) })
    let ceil = context.node.int("ceil_mode", default: 0) != 0
    var shape = [x[0], x[1]]
    for (axis, size) in x[2...].enumerated() {
      shape.append(
        window.outputSize(size, axis: axis, ceil: ceil, symbols: &context.symbols) ?? context.freshSize(axis: axis + 2))
    }
    context.setOutput(0, type: context.type(0), shape: shape)
    context.setOutput(1, type: .int64, shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count > 2, let shape = context.outputShape() else {
      return context.fixInputs("its input has an unknown rank")
    }
    context.fix(x[2...], "a window slides along it")
    if context.node.output(1) != nil {
      context.fix(x[1], "positions of maxima count it")
      context.setFixedOutput(1, "it holds positions")
    }
    context.setOutput(0, Array(x[..<2]) + shape.dropFirst(2).map { context.fixedAxis($0, "a window slides along it") })
  }
}

/// Poolings over all positions.
public struct GlobalPool: Operator {
  public let names = [OperatorName("GlobalAveragePool"), OperatorName("GlobalMaxPool"), OperatorName("GlobalLpPool")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = context.shape(0).map { $0.prefix(2) + $0.dropFirst(2).map { _ in Size.known(1) } }
    context.setOutput(type: context.type(0), shape: shape.map(Array.init))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    context.fix(x.dropFirst(2), "it is pooled over")
    context.setOutput(Array(x.prefix(2)) + x.dropFirst(2).map { _ in context.fixedAxis(.known(1), "its size is one") })
  }
}
