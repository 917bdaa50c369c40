import Dimensions
import IR

/// `Scan`: runs its body over the slices of its inputs; states go round, other results are stacked along a new axis.
/// The form of operator set 8, with a batch axis of its own, is not understood.
public struct Scan: IterativeOperator {
  public let names = [OperatorName("Scan")]

  private func iteration(_ node: Node) -> Iteration? {
    guard case .graph(let body) = node.attribute("body"), node.attribute("directions") == nil,
      let count = node.int("num_scan_inputs").map({ Int(clamping: $0) }), count > 0, count <= node.inputs.count,
      body.inputs.count == node.inputs.count
    else { return nil }
    let states = node.inputs.count - count
    guard body.outputs.count >= states, node.outputs.count <= body.outputs.count else { return nil }
    let inputAxes = node.ints("scan_input_axes") ?? Array(repeating: 0, count: count)
    let outputAxes = node.ints("scan_output_axes") ?? Array(repeating: 0, count: body.outputs.count - states)
    guard inputAxes.count == count, outputAxes.count == body.outputs.count - states else { return nil }
    var iteration = Iteration()
    iteration.states = (0..<states).map {
      Iteration.State(initial: $0, bodyInput: body.inputs[$0].value, bodyOutput: body.outputs[$0].value, result: $0)
    }
    iteration.scanned = (0..<count).map {
      Iteration.Slices(whole: states + $0, slice: body.inputs[states + $0].value, axis: inputAxes[$0])
    }
    iteration.collected = outputAxes.indices.map {
      Iteration.Slices(whole: states + $0, slice: body.outputs[states + $0].value, axis: outputAxes[$0])
    }
    return iteration
  }

  public func enterBody(_ context: inout ShapeContext) {
    guard context.opset >= 9 else { return }
    iteration(context.node)?.enter(&context)
  }

  public func settleBody(_ context: inout ShapeContext) -> Bool {
    guard context.opset >= 9 else { return true }
    return iteration(context.node)?.settle(&context) ?? true
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard context.opset >= 9 else { return }
    guard let iteration = iteration(context.node) else {
      throw OperatorError("its body does not take and return what the scan does")
    }
    try iteration.leave(&context)
  }

  public func enterBody(_ context: inout AxisContext) {
    guard context.opset >= 9 else { return }
    iteration(context.node)?.enter(&context)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard context.opset >= 9, let iteration = iteration(context.node) else {
      context.fixInputs("its body is not understood")
      return context.fixBodies("its body is not understood")
    }
    iteration.leave(&context)
  }
}
