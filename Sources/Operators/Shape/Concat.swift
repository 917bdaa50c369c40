import Dimensions
import IR

/// `Concat`: a sum of dimensions along one axis.
public struct Concat: Operator {
  public let names = [OperatorName("Concat")]
  public let isShapeArithmetic = true

  /// The axis a node names; before operator set 4 it is the second where it names none.
  static func axis(_ node: Node, opset: Int64) throws(OperatorError) -> Int64 {
    if let axis = node.int("axis") { return axis }
    guard opset < 4 else { throw OperatorError("it has no axis, which it needs from operator set 4 on") }
    return 1
  }

  /// Refuses inputs of several types. Precisions are for the kernel to compare, as they are in memory.
  private func checkTypes(_ context: ShapeContext) throws(OperatorError) {
    let types = context.node.inputs.indices.compactMap { context.type($0) }
    guard let first = types.first,
      let other = types.first(where: { $0 != first && !($0.isFloatingPoint && first.isFloatingPoint) })
    else { return }
    throw OperatorError("it joins tensors of types \(first) and \(other): cast them to one type")
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let along = try Self.axis(context.node, opset: context.opset)
    try checkTypes(context)
    var shape: [Size]?
    var contents: [Element]? = []
    for index in context.node.inputs.indices {
      guard let input = context.shape(index) else {
        return context.setOutput(type: context.type(0), shape: nil)
      }
      let axis = try context.axis(along, rank: input.count)
      if var sum = shape {
        guard sum.count == input.count else {
          throw OperatorError("it joins tensors of \(sum.count) and \(input.count) axes")
        }
        for other in input.indices where other != axis {
          if let a = sum[other].known, let b = input[other].known, a != b {
            throw OperatorError("axis \(other) has \(a) and \(b) elements")
          }
          if sum[other].known == nil, input[other].known != nil { sum[other] = input[other] }
        }
        sum[axis] = sum[axis].plus(input[axis]) ?? context.freshSize(axis: axis)
        shape = sum
      } else {
        shape = input
      }
      if input.count == 1, let more = context.contents(index), let count = contents?.count,
        count + more.count <= Arithmetic.elementLimit
      {
        contents?.append(contentsOf: more)
      } else {
        contents = nil
      }
    }
    context.setOutput(type: context.type(0), shape: shape, contents: contents)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let shape = context.outputShape() else { return context.fixInputs("an operand has an unknown rank") }
    guard let given = try? Self.axis(context.node, opset: context.opset) else {
      return context.fixInputs("it has no axis")
    }
    let attribute = Int(given)
    let along = attribute < 0 ? attribute + shape.count : attribute
    var result: [Axis]?
    var parts: [Axis] = []
    for index in context.node.inputs.indices {
      guard let axes = context.input(index), axes.count == shape.count, shape.indices.contains(along) else {
        return context.fixInputs("an operand has an unknown rank")
      }
      if context.size(axes[along]) != .known(0) { parts.append(axes[along]) }
      guard var joined = result else {
        result = axes
        continue
      }
      for axis in axes.indices where axis != along {
        context.unify(joined[axis], axes[axis])
        joined[axis].vanishes = joined[axis].vanishes && axes[axis].vanishes
      }
      result = joined
    }
    guard var axes = result else { return context.setFixedOutput("it is empty") }
    let sum = context.dimensions.sum(parts.map(\.dimension))
    axes[along] = Axis(sum, vanishes: parts.allSatisfy(\.vanishes))
    context.setOutput(axes)
    relateSizes(&context)
  }

  private func relateSizes(_ context: inout AxisContext) {
    guard let output = context.node.output(0), context.facts[output.index].contents != nil else { return }
    var terms: [DimensionID?] = []
    var any = false
    for input in context.node.inputs {
      guard let input, let count = context.facts[input.index].contents?.count else { return }
      if let known = context.sizeTerms[input.index], known.count == count {
        terms += known
        any = true
      } else {
        terms += [DimensionID?](repeating: nil, count: count)
      }
    }
    if any { context.sizeTerms[output.index] = terms }
  }
}
