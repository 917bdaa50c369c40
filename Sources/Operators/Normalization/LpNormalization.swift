import Dimensions
import IR

/// `LpNormalization`: divides by a norm along an axis.
public struct LpNormalization: Operator {
  public let names = [OperatorName("LpNormalization")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    let attribute = Int(context.node.int("axis", default: -1))
    let along = attribute < 0 ? attribute + axes.count : attribute
    guard axes.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
    // Zeros add nothing to a norm.
    context.sumOver(axes[along], "LpNormalization takes a norm along it")
    context.setOutput(axes)
  }
}
