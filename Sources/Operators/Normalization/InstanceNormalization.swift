import Dimensions
import IR

/// `InstanceNormalization`: normalizes each channel over its positions.
public struct InstanceNormalization: Operator {
  public let names = [OperatorName("InstanceNormalization")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0), shape.count > 1, let channels = shape[1].known {
      for input in 1..<3 {
        if let size = context.shape(input)?.first?.known, size != channels {
          throw OperatorError("input \(input) has \(size) elements, expected \(channels)")
        }
      }
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    var vanishes = true
    for input in 1..<3 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its scale has an unknown shape")
      }
      context.unify(axes[1], values[0])
      context.role(input, axis: 0, .rider)
      vanishes = vanishes && values[0].vanishes
    }
    // Group normalization is often written with this operator, its channels laid among the positions.
    for axis in axes.dropFirst(2) { context.approximate(axis, "InstanceNormalization averages over it") }
    for index in axes.indices { axes[index].vanishes = index == 1 && vanishes }
    context.setOutput(axes)
  }
}
