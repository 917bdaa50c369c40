import Dimensions
import IR

/// `BatchNormalization`: a scale and a shift per channel.
public struct BatchNormalization: Operator {
  public let names = [OperatorName("BatchNormalization")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if isSpatial(context.node), let shape = context.shape(0), shape.count > 1, let channels = shape[1].known {
      for input in 1..<5 {
        if let size = context.shape(input)?.first?.known, size != channels {
          throw OperatorError("input \(input) has \(size) elements, expected \(channels)")
        }
      }
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
    for output in 1..<5 { context.setOutput(output, type: context.type(3), shape: context.shape(3)) }
  }

  /// Before operator set 9 there could be statistics for each position.
  private func isSpatial(_ node: Node) -> Bool { node.int("spatial", default: 1) != 0 }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    guard isSpatial(context.node) else { return context.fixInputs("it has statistics for each position") }
    var vectors: [Axis] = []
    for input in 1..<5 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its statistics have unknown shapes")
      }
      context.unify(axes[1], values[0])
      context.role(input, axis: 0, .rider)
      vectors.append(values[0])
    }
    context.note(.batchNormScale, vectors[0])
    if context.node.int("training_mode", default: 0) != 0 {
      for index in axes.indices where index != 1 { context.approximate(axes[index], "training averages over it") }
    }
    // A removed channel's scale and shift are zeroed; along any other axis the shift remains.
    for index in axes.indices { axes[index].vanishes = false }
    axes[1].vanishes = vectors[0].vanishes && vectors[1].vanishes
    context.setOutput(0, axes)
    for output in 1..<5 { context.setOutput(output, [Axis(axes[1].dimension, vanishes: false)]) }
  }
}
