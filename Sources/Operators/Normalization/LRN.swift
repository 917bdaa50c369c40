import Dimensions
import IR

/// `LRN`: divides by the energy of neighbouring channels.
public struct LRN: Operator {
  public let names = [OperatorName("LRN")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), axes.count > 1 else { return context.fixInputs("its input has an unknown rank") }
    // Removing a channel makes others neighbours.
    context.approximate(axes[1], "LRN sums over neighbouring channels")
    context.setOutput(axes)
  }
}
