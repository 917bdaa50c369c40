import Dimensions
import IR

/// `Squeeze`: drops axes of size one.
public struct Squeeze: Operator {
  public let names = [OperatorName("Squeeze")]
  public let isShapeArithmetic = true

  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var shape: [Size]?
    if let input = context.shape(0) {
      if let axes = context.ints(input: 1, orAttribute: "axes") {
        var dropped = Set<Int>()
        for axis in axes {
          let index = try context.axis(Int64(axis), rank: input.count)
          if let size = input[index].known, size != 1 { throw OperatorError("axis \(index) has \(size) elements") }
          dropped.insert(index)
        }
        shape = input.indices.filter { !dropped.contains($0) }.map { input[$0] }
      } else if !context.has(1), input.allSatisfy({ $0.known != nil }) {
        shape = input.filter { !$0.isOne }
      }
    }
    context.setOutput(type: context.type(0), shape: shape, contents: context.contents(0))
  }

  public func relateAxes(_ context: inout AxisContext) { Unsqueeze.relate(&context) }
}
