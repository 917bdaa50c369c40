import Dimensions
import IR

/// `DynamicQuantizeLinear`: quantizes with a scale taken from the tensor itself.
public struct DynamicQuantizeLinear: Operator {
  public let names = [OperatorName("DynamicQuantizeLinear")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: .uint8, shape: context.shape(0))
    context.setOutput(1, type: .float, shape: [])
    context.setOutput(2, type: .uint8, shape: [])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    // The range always includes zero, so that zeros do not stretch it.
    for axis in axes { context.sumOver(axis, "its range sets the scale of the whole tensor") }
    context.setOutput(0, axes)
    context.setOutput(1, [])
    context.setOutput(2, [])
  }
}
