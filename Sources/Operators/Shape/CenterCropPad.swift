import Dimensions
import IR

/// `CenterCropPad`: cuts or pads axes on both sides until they have given sizes.
public struct CenterCropPad: FixingOperator {
  public let names = [OperatorName("CenterCropPad")]
  public let reason = "crops or pads it"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    let axes = context.node.ints("axes") ?? shape.indices.map { Int64($0) }
    let target = context.shape(heldBy: 1)
    for (position, attribute) in axes.enumerated() {
      let axis = try context.axis(attribute, rank: shape.count)
      shape[axis] = target.flatMap { position < $0.count ? $0[position] : nil } ?? context.freshSize(axis: axis)
    }
    context.setOutput(type: context.type(0), shape: shape)
  }
}
