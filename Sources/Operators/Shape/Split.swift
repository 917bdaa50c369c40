import Dimensions
import IR

/// `Split`: takes a sum of dimensions apart.
public struct Split: Operator {
  public let names = [OperatorName("Split")]

  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let outputs = context.node.outputs.count
    guard let input = context.shape(0), outputs > 0 else { return }
    let axis = try context.axis(context.node.int("axis", default: 0), rank: input.count)
    let isGiven = context.has(1) || context.node.ints("split") != nil
    var parts: [Size]?
    if isGiven {
      if context.has(1) {
        parts = context.contents(1)?.enumerated().map { $1.size ?? context.freshSize(output: $0, axis: axis) }
      } else {
        parts = context.node.ints("split")?.map { .known(Int($0)) }
      }
      if let parts {
        guard parts.count == outputs else { throw OperatorError("it has \(outputs) outputs and \(parts.count) sizes") }
        if parts.contains(where: { ($0.known ?? 0) < 0 }) { throw OperatorError("it has a part of negative size") }
        guard let sum = sum(parts) ?? (parts.contains { $0.known == nil } ? input[axis] : nil) else {
          throw OperatorError("its parts sum to more than can be counted")
        }
        if let total = input[axis].known, let sum = sum.known, sum != total {
          throw OperatorError("its parts sum to \(sum), axis \(axis) has \(total) elements")
        }
      }
    } else if let total = input[axis].known {
      parts = Self.evenSizes(total: total, parts: outputs).map { .known($0) }
    } else if let part = input[axis].dividedExactly(by: .known(outputs)) {
      parts = [Size](repeating: part, count: outputs)
    }
    for output in 0..<outputs {
      var shape = input
      shape[axis] = parts?[output] ?? context.freshSize(output: output, axis: axis)
      var contents: [Element]?
      if input.count == 1, let all = context.contents(0), let known = parts?.compactMap(\.known), known.count == outputs
      {
        let start = known[..<output].reduce(0, +)
        if start + known[output] <= all.count { contents = Array(all[start..<(start + known[output])]) }
      }
      context.setOutput(output, type: context.type(0), shape: shape, contents: contents)
    }
  }

  private func sum(_ sizes: [Size]) -> Size? {
    var total = Size.known(0)
    for size in sizes {
      guard let next = total.plus(size) else { return nil }
      total = next
    }
    return total
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let input = context.input(0) else { return context.fixInputs("its input has an unknown rank") }
    let attribute = Int(context.node.int("axis", default: 0))
    let along = attribute < 0 ? attribute + input.count : attribute
    let shapes = context.node.outputs.indices.map { context.outputShape($0) }
    guard input.indices.contains(along) else { return context.fixInputs("its axis is outside its input") }
    // Outputs may have the shapes they are declared with.
    guard shapes.allSatisfy({ $0 == nil || $0?.count == input.count }) else {
      return context.fixInputs("its outputs have other axes than its input")
    }
    let sizes = shapes.compactMap { $0?[along].known }
    guard sizes.count == shapes.count, context.size(input[along]) == sum(sizes.map { .known($0) }),
      context.node.outputs.allSatisfy({ $0 != nil })
    else {
      context.fix(input[along], "it is split at positions known only at run time")
      for (output, shape) in shapes.enumerated() {
        guard let shape else { continue }
        var axes = input
        axes[along] = context.fixedAxis(shape[along], "it is split at positions known only at run time")
        context.setOutput(output, axes)
      }
      return
    }
    let parts = sizes.map { context.dimensions.make(.known($0)) }
    let sum = context.dimensions.sum(parts)
    context.unify(input[along].dimension, sum)
    for (output, part) in parts.enumerated() {
      var axes = input
      axes[along] = Axis(part, vanishes: input[along].vanishes)
      context.setOutput(output, axes)
    }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let shape = context.originalFacts(0).shape else { return }
    let attribute = Int(context.node.int("axis", default: 0))
    let along = attribute < 0 ? attribute + shape.count : attribute
    guard shape.indices.contains(along), context.keptIndices(0, along) != nil || context.node.input(1) != nil else {
      return
    }
    var sizes: [Int] = []
    for output in context.node.outputs.indices {
      guard let expected = context.expectedOutput(output), expected.indices.contains(along),
        let size = expected[along].known
      else { return }
      sizes.append(size)
    }
    if context.node.input(1) != nil {
      if let computed = context.facts(1).knownInts, computed != sizes { context.setInts(input: 1, sizes) }
    } else if context.node.ints("split") != nil {
      context.node.setAttribute("split", .ints(sizes.map(Int64.init)))
    } else if sizes != Self.evenSizes(total: sizes.reduce(0, +), parts: sizes.count) {
      if context.opset >= 13 {
        context.node.attributes.removeAll { $0.name == "num_outputs" }
        context.setInts(input: 1, sizes)
      } else {
        context.node.setAttribute("split", .ints(sizes.map(Int64.init)))
      }
    }
  }

  /// The sizes of parts a node does not give sizes for: the last ones are smaller where they do not come out even.
  static func evenSizes(total: Int, parts: Int) -> [Int] {
    guard parts > 0 else { return [] }
    let part = total / parts + (total % parts == 0 ? 0 : 1)
    return (0..<parts).map { max(0, min(part, total - $0 * part)) }
  }
}
