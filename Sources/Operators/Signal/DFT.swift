import Dimensions
import IR

/// `DFT`: the discrete Fourier transform along an axis. The last axis holds real and imaginary parts.
public struct DFT: FixingOperator {
  public let names = [OperatorName("DFT")]
  public let reason = "transforms along it"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try transformed(&context)
    context.setOutput(type: context.type(0), shape: shape)
  }

  private func transformed(_ context: inout ShapeContext) throws(OperatorError) -> [Size]? {
    guard var shape = context.shape(0), shape.count > 1 else { return nil }
    guard let attribute = axis(context) else { return context.freshShape(rank: shape.count) }
    let axis = try context.axis(attribute, rank: shape.count)
    guard axis < shape.count - 1 else { throw OperatorError("it cannot transform along the axis of the parts") }
    let isOneSided = context.node.int("onesided", default: 0) != 0
    let isInverse = context.node.int("inverse", default: 0) != 0
    shape[axis] = try length(&context, shape[axis], axis, isOneSided, isInverse)
    shape[shape.count - 1] = isOneSided && isInverse ? .known(1) : .known(2)
    return shape
  }

  private func axis(_ context: ShapeContext) -> Int64? {
    if context.has(2) { return context.facts(2).knownInts?.first.map { Int64($0) } }
    return context.opset >= 20 ? -2 : context.node.int("axis", default: 1)
  }

  private func length(
    _ context: inout ShapeContext, _ size: Size, _ axis: Int, _ isOneSided: Bool, _ isInverse: Bool
  ) throws(OperatorError) -> Size {
    let given = context.has(1) ? try context.size(heldBy: 1, axis: axis) : nil
    if isOneSided && isInverse {
      // Half of an even spectrum, where nothing else is said.
      return given ?? size.minus(.known(1))?.times(.known(2)) ?? context.freshSize(axis: axis)
    }
    let length = given ?? size
    guard isOneSided else { return length }
    return length.known.map { .known($0 / 2 + 1) } ?? context.freshSize(axis: axis)
  }
}
