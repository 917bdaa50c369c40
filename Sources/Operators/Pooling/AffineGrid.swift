import Dimensions
import IR

/// `AffineGrid`: the places a sampled map is read at, moved by a matrix for each entry of the batch.
public struct AffineGrid: FixingOperator {
  public let names = [OperatorName("AffineGrid")]
  public let reason = "makes a sampling grid"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let size = context.shape(heldBy: 1), size.count > 2 else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    context.setOutput(type: context.type(0), shape: [size[0]] + size[2...] + [.known(size.count - 2)])
  }
}
