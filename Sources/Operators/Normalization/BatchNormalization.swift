import Dimensions
import IR

/// `BatchNormalization`: a scale and a shift per channel.
public struct BatchNormalization: Operator {
  public let names = [OperatorName("BatchNormalization")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let channels = context.shape(0).flatMap({ $0.count > 1 ? $0[1].known : nil }) {
      for input in 1..<5 {
        if let size = context.shape(input)?.first?.known, size != channels {
          throw OperatorError("input \(input) has \(size) elements, expected \(channels)")
        }
      }
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
    for output in 1..<5 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    for input in 1..<5 {
      guard let values = context.input(input), values.count == 1 else {
        return context.fixInputs("its statistics have unknown shapes")
      }
      context.unify(axes[1], values[0])
      context.role(input, axis: 0, .rider)
      if input == 1 { context.note(.batchNormScale, values[0]) }
    }
    // Scale and shift are zeroed with their channel.
    axes[1].vanishes = context.isWeight(1) && context.isWeight(2)
    context.setOutput(axes)
  }
}
