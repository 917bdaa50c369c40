import Dimensions
import IR

/// `HannWindow`, `HammingWindow` and `BlackmanWindow`: sums of cosines that fall off to both sides.
public struct WindowFunction: FixingOperator {
  public let names = [OperatorName("HannWindow"), OperatorName("HammingWindow"), OperatorName("BlackmanWindow")]
  public let reason = "makes a window"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(attribute: "output_datatype") ?? .float
    context.setOutput(type: type, shape: [try context.size(heldBy: 0, axis: 0)])
  }
}
