import Dimensions
import IR

/// `Compress`: keeps the slices along an axis, or the elements, whose condition holds.
public struct Compress: FixingOperator, ChoosingOperator {
  public let names = [OperatorName("Compress")]
  public let reason = "chooses along it"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let attribute = context.node.int("axis") else {
      return context.setOutput(type: context.type(0), shape: context.freshShape(rank: 1))
    }
    let axis = try context.axis(attribute, rank: shape.count)
    shape[axis] = context.freshSize(axis: axis)
    context.setOutput(type: context.type(0), shape: shape)
  }
}
