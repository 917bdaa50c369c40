import Dimensions
import IR

/// `Shape`: the sizes of a tensor's axes, from which shape arithmetic starts.
public struct Shape: Operator {
  public let names = [OperatorName("Shape")]
  public let isShapeArithmetic = true
  public let readsShapeAlone = true

  public func sizeInputs(_ node: Node) -> Set<Int> { [0] }

  private func range(_ node: Node, rank: Int) -> Range<Int> {
    func clamp(_ value: Int64) -> Int { min(max(0, value < 0 ? Int(value) + rank : Int(min(value, 1 << 30))), rank) }
    let start = clamp(node.int("start", default: 0))
    let end = node.int("end").map(clamp) ?? rank
    return start..<max(start, end)
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: .int64, shape: nil) }
    let sizes = Array(shape[range(context.node, rank: shape.count)])
    context.setOutput(type: .int64, shape: [.known(sizes.count)], contents: sizes.map { .int($0) })
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.setFixedOutput("it counts axes")
    guard let axes = context.input(0), let output = context.node.output(0) else { return }
    context.sizeTerms[output.index] = axes[range(context.node, rank: axes.count)].map(\.dimension)
  }
}

/// `Size`: the number of a tensor's elements.
public struct SizeOperator: Operator {
  public let names = [OperatorName("Size")]
  public let isShapeArithmetic = true
  public let readsShapeAlone = true

  public func sizeInputs(_ node: Node) -> Set<Int> { [0] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let total = context.shape(0).flatMap { Dimensions.Size.product($0) }
    context.setOutput(type: .int64, shape: [], contents: [total.map { .int($0) } ?? .unknown])
  }

  public func relateAxes(_ context: inout AxisContext) { context.setFixedOutput("it counts elements") }
}
