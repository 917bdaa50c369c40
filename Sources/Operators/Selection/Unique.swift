import Dimensions
import IR

/// `Unique`: the different elements, or slices along an axis, where they are first and how often there are any.
public struct Unique: FixingOperator, ChoosingOperator {
  public let names = [OperatorName("Unique")]
  public let reason = "chooses along it"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var shape: [Size]? = context.freshShape(rank: 1)
    if let attribute = context.node.int("axis") {
      shape = context.shape(0)
      if let rank = shape?.count {
        let axis = try context.axis(attribute, rank: rank)
        shape?[axis] = context.freshSize(axis: axis)
      }
    }
    context.setOutput(0, type: context.type(0), shape: shape)
    for output in 1..<4 {
      context.setOutput(output, type: .int64, shape: context.freshShape(output: output, rank: 1))
    }
  }
}
