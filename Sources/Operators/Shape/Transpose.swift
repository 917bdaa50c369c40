import Dimensions
import IR

/// `Transpose`: reorders axes.
public struct Transpose: Operator {
  public let names = [OperatorName("Transpose")]
  public let isShapeArithmetic = true

  private func permutation(_ node: Node, rank: Int) -> [Int]? {
    guard let attribute = node.ints("perm") else { return Array((0..<rank).reversed()) }
    let permutation = attribute.map { Int(truncatingIfNeeded: $0) }
    return permutation.sorted() == Array(0..<rank) ? permutation : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let permutation = permutation(context.node, rank: shape.count) else {
      throw OperatorError("perm is not a permutation of \(shape.count) axes")
    }
    let contents = context.contents(0).flatMap {
      ContentsLayout.transpose($0, shape: shape, permutation: permutation)
    }
    context.setOutput(type: context.type(0), shape: permutation.map { shape[$0] }, contents: contents)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), let permutation = permutation(context.node, rank: axes.count) else {
      return context.fixInputs("its input has an unknown rank")
    }
    context.setOutput(permutation.map { axes[$0] })
  }
}
