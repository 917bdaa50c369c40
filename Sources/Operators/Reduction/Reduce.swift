import Dimensions
import IR

/// The `Reduce…` family. A sum over a removed index that is zero changes nothing; a mean or a maximum does.
public struct Reduce: Operator {
  public let names: [OperatorName]
  /// Whether leaving out zeros leaves the result as it is.
  let ignoresZeros: Bool
  /// The operator set from which axes are an input.
  let axesInputSince: Int64

  init(_ type: String, ignoresZeros: Bool, axesInputSince: Int64 = 18) {
    names = [OperatorName(type)]
    self.ignoresZeros = ignoresZeros
    self.axesInputSince = axesInputSince
  }

  static let all: [any Operator] = [
    Reduce("ReduceL1", ignoresZeros: true), Reduce("ReduceL2", ignoresZeros: true),
    Reduce("ReduceLogSum", ignoresZeros: true), Reduce("ReduceLogSumExp", ignoresZeros: false),
    Reduce("ReduceMax", ignoresZeros: false), Reduce("ReduceMean", ignoresZeros: false),
    Reduce("ReduceMin", ignoresZeros: false), Reduce("ReduceProd", ignoresZeros: false),
    Reduce("ReduceSum", ignoresZeros: true, axesInputSince: 13), Reduce("ReduceSumSquare", ignoresZeros: true),
  ]

  public var isShapeArithmetic: Bool { names[0].type == "ReduceProd" }

  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  /// The reduced axes; `nil` where they are known only at run time.
  func axes(_ node: Node, rank: Int, ints: [Int]?) -> Set<Int>? {
    guard let ints else {
      if node.input(1) != nil { return nil }
      return node.int("noop_with_empty_axes", default: 0) != 0 ? [] : Set(0..<rank)
    }
    if ints.isEmpty { return node.int("noop_with_empty_axes", default: 0) != 0 ? [] : Set(0..<rank) }
    let axes = ints.map { $0 < 0 ? $0 + rank : $0 }
    return axes.allSatisfy { $0 >= 0 && $0 < rank } ? Set(axes) : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let input = context.shape(0),
      let reduced = axes(context.node, rank: input.count, ints: context.ints(input: 1, orAttribute: "axes"))
    else { return context.setOutput(type: context.type(0), shape: nil) }
    let keeps = context.node.int("keepdims", default: 1) != 0
    let shape = input.indices.compactMap { axis -> Size? in
      reduced.contains(axis) ? (keeps ? .known(1) : nil) : input[axis]
    }
    var contents: [Element]?
    if isShapeArithmetic, input.count == 1, reduced == [0], let elements = context.contents(0) {
      contents = [Size.product(elements.compactMap(\.size)).map { .int($0) } ?? .unknown]
      if elements.contains(where: { $0.size == nil }) { contents = [.unknown] }
    }
    context.setOutput(type: context.type(0), shape: shape, contents: contents)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let input = context.plainInput(0),
      let reduced = axes(context.node, rank: input.count, ints: context.ints(input: 1, orAttribute: "axes"))
    else { return context.fixInputs("it is reduced over axes known only at run time") }
    let keeps = context.node.int("keepdims", default: 1) != 0
    var output: [Axis] = []
    for (index, axis) in input.enumerated() {
      guard reduced.contains(index) else {
        output.append(axis)
        continue
      }
      if ignoresZeros {
        context.sumOver(axis, "\(context.node.opType) sums over it")
      } else {
        context.approximate(axis, "\(context.node.opType) reduces over it")
        context.note(.normalizedWidth, axis)
      }
      if keeps { output.append(context.fixedAxis(.known(1), "its size is one")) }
    }
    // Sums, means and extrema of zeros are zero; products and logarithms of sums are not.
    let type = context.node.opType
    if type == "ReduceLogSum" || type == "ReduceLogSumExp" || type == "ReduceProd" {
      for index in output.indices { output[index].vanishes = false }
    }
    context.setOutput(output)
  }
}
