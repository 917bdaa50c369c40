import Dimensions
import IR

/// `Unsqueeze`: inserts axes of size one.
public struct Unsqueeze: Operator {
  public let names = [OperatorName("Unsqueeze")]
  public let isShapeArithmetic = true

  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var shape: [Size]?
    if let input = context.shape(0), let axes = context.ints(input: 1, orAttribute: "axes") {
      let rank = input.count + axes.count
      var inserted = Set<Int>()
      for axis in axes {
        guard inserted.insert(try context.axis(Int64(axis), rank: rank)).inserted else {
          throw OperatorError("axis \(axis) is inserted twice")
        }
      }
      var rest = input.makeIterator()
      shape = (0..<rank).map { inserted.contains($0) ? .known(1) : rest.next() ?? .known(1) }
    }
    context.setOutput(type: context.type(0), shape: shape, contents: context.contents(0))
  }

  public func relateAxes(_ context: inout AxisContext) { Self.relate(&context) }

  /// Axes longer than one keep their order; the others come and go.
  static func relate(_ context: inout AxisContext) {
    Reshape.regroup(&context)
    if let output = context.node.output(0), let input = context.node.input(0) {
      context.sizeTerms[output.index] = context.sizeTerms[input.index]
    }
  }
}
