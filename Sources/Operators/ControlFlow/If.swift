import Dimensions
import IR

/// `If`: what its branches return is what it returns.
public struct If: Operator {
  public let names = [OperatorName("If")]

  private func branches(_ node: Node) -> [Graph] {
    ["then_branch", "else_branch"].compactMap { name in
      if case .graph(let graph) = node.attribute(name) { graph } else { nil }
    }
  }

  /// Which branch runs, where the condition is known.
  private func chosen(_ condition: [Element]?) -> Int? {
    guard case .int(.known(let number))? = condition?.first else { return nil }
    return number != 0 ? 0 : 1
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard context.has(0) else { throw OperatorError("it lacks a condition") }
    let branches = branches(context.node)
    guard branches.count == 2 else { throw OperatorError("it lacks a branch") }
    for branch in branches where branch.outputs.count < context.node.outputs.count {
      throw OperatorError("a branch returns \(branch.outputs.count) values, the node \(context.node.outputs.count)")
    }
    for output in context.node.outputs.indices {
      let types = branches.compactMap { context.facts[$0.outputs[output].value.index].type }
      guard types.count == 2, types[0] != types[1] else { continue }
      throw OperatorError("output \(output) is \(types[0]) in one branch and \(types[1]) in the other")
    }
    let live = chosen(context.contents(0)).map { [branches[$0]] } ?? branches
    for output in context.node.outputs.indices {
      let facts = live.map { context.facts[$0.outputs[output].value.index] }
      let contents = facts.allSatisfy { $0.contents == facts[0].contents } ? facts[0].contents : nil
      context.setOutput(
        output, type: facts.lazy.compactMap(\.type).first, shape: meet(facts.map(\.shape), output, &context),
        contents: contents)
    }
  }

  private func meet(_ shapes: [[Size]?], _ output: Int, _ context: inout ShapeContext) -> [Size]? {
    guard var shape = shapes[0] else { return nil }
    for other in shapes.dropFirst() {
      guard let other, other.count == shape.count else { return nil }
      for axis in shape.indices where shape[axis] != other[axis] {
        shape[axis] = context.freshSize(output: output, axis: axis)
      }
    }
    return shape
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fix(context.input(0) ?? [], "it is a condition")
    let branches = branches(context.node)
    guard branches.count == 2 else { return context.fixBodies("it lacks a branch") }
    // The branch that runs goes first. The other's results follow, because a runtime may check them all the same.
    let first = chosen(context.facts(0).contents) ?? 0
    let reason = "the branches return different shapes"
    for output in context.node.outputs.indices {
      let shape = context.outputShape(output)
      var result: [Axis]?
      for branch in [branches[first], branches[1 - first]] {
        guard let axes = context.axes[branch.outputs[output].value.index] else { continue }
        guard axes.count == shape?.count else {
          context.fix(axes, reason)
          continue
        }
        guard let first = result else {
          result = axes
          continue
        }
        result = zip(first, axes).map { a, b in
          guard context.size(a) == context.size(b) else {
            context.fix([a, b], reason)
            return a
          }
          context.unify(a, b)
          return Axis(a.dimension, vanishes: a.vanishes && b.vanishes)
        }
      }
      if let result, result.count == shape?.count { context.setOutput(output, result) }
    }
  }
}
