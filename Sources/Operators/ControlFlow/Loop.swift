import Dimensions
import IR

/// `Loop`: runs its body while a condition holds; states go round, other results are stacked along a new axis.
public struct Loop: IterativeOperator {
  public let names = [OperatorName("Loop")]

  private func iteration(_ node: Node) -> Iteration? {
    guard case .graph(let body) = node.attribute("body") else { return nil }
    let count = max(0, node.inputs.count - 2)
    guard body.inputs.count == count + 2, body.outputs.count >= count + 1,
      node.outputs.count <= body.outputs.count - 1
    else { return nil }
    var iteration = Iteration()
    iteration.counters = body.inputs.prefix(2).map(\.value)
    iteration.states = (0..<count).map {
      Iteration.State(
        initial: $0 + 2, bodyInput: body.inputs[$0 + 2].value, bodyOutput: body.outputs[$0 + 1].value, result: $0)
    }
    iteration.collected = (count..<body.outputs.count - 1).map {
      Iteration.Slices(whole: $0, slice: body.outputs[$0 + 1].value, axis: 0)
    }
    return iteration
  }

  public func enterBody(_ context: inout ShapeContext) {
    guard let iteration = iteration(context.node) else { return }
    for (counter, type) in zip(iteration.counters, [DataType.int64, .bool]) {
      context.facts[counter.index].type = type
      // Both are scalars; old exporters declare vectors of one.
      context.facts[counter.index].shape = context.facts[counter.index].shape ?? []
    }
    iteration.enter(&context)
  }

  public func settleBody(_ context: inout ShapeContext) -> Bool {
    iteration(context.node)?.settle(&context) ?? true
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let iteration = iteration(context.node) else {
      throw OperatorError("its body does not take and return what the loop does")
    }
    try iteration.leave(&context)
  }

  public func enterBody(_ context: inout AxisContext) { iteration(context.node)?.enter(&context) }

  public func relateAxes(_ context: inout AxisContext) {
    guard let iteration = iteration(context.node) else { return context.fixInputs("its body is not understood") }
    for input in 0..<2 { context.fix(context.input(input) ?? [], "it controls a loop") }
    iteration.leave(&context)
  }
}
