import Dimensions
import IR

/// `MelWeightMatrix`: the triangles that sum a spectrum into bands as far apart as the ear hears them.
public struct MelWeightMatrix: FixingOperator {
  public let names = [OperatorName("MelWeightMatrix")]
  public let reason = "makes a filter bank"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let bands = try context.size(heldBy: 0, axis: 1)
    let length = try context.size(heldBy: 1, axis: 0).known
    let rows = length.map { Size.known($0 / 2 + 1) } ?? context.freshSize(axis: 0)
    context.setOutput(type: context.type(attribute: "output_datatype") ?? .float, shape: [rows, bands])
  }
}
