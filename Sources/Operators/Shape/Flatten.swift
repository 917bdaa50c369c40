import Dimensions
import IR

/// `Flatten`: multiplies the axes before and from `axis` into two.
public struct Flatten: Operator {
  public let names = [OperatorName("Flatten")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    let attribute = context.node.int("axis", default: 1)
    let axis = attribute < 0 ? Int(attribute) + shape.count : Int(attribute)
    guard axis >= 0, axis <= shape.count else {
      throw OperatorError("axis \(attribute) is outside a tensor of \(shape.count) axes")
    }
    let rows = Size.product(shape[..<axis]) ?? context.freshSize(axis: 0)
    let columns = Size.product(shape[axis...]) ?? context.freshSize(axis: 1)
    context.setOutput(type: context.type(0), shape: [rows, columns])
  }

  public func relateAxes(_ context: inout AxisContext) { Reshape.regroup(&context) }
}
