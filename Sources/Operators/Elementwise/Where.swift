import Dimensions
import IR

/// `Where`: chooses between two tensors element by element.
public struct Where: Operator {
  public let names = [OperatorName("Where")]
  public let isShapeArithmetic = true

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast((0..<3).map { context.shape($0) })
    context.setOutput(type: context.type(1), shape: shape, contents: contents(context, shape: shape))
  }

  private func contents(_ context: ShapeContext, shape: [Size]?) -> [Element]? {
    guard let shape, shape.count <= 1, let count = Size.product(shape)?.known, count <= Arithmetic.elementLimit,
      let condition = context.contents(0), let yes = context.contents(1), let no = context.contents(2)
    else { return nil }
    for operand in [condition, yes, no] where operand.count != count && operand.count != 1 { return nil }
    return (0..<count).map { index in
      let (a, b) = (yes[yes.count == 1 ? 0 : index], no[no.count == 1 ? 0 : index])
      guard let chosen = condition[condition.count == 1 ? 0 : index].double else { return a == b ? a : .unknown }
      return chosen != 0 ? a : b
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let shape = context.outputShape(), let condition = context.input(0), let yes = context.plainInput(1),
      let no = context.plainInput(2)
    else { return context.fixInputs("an operand has an unknown rank") }
    // Zero where both choices are; the condition chooses, whatever it says of a removed index.
    context.setOutput(context.broadcast([condition, yes, no], shape: shape) { $0[1] && $0[2] })
    relateSizes(&context)
  }

  private func relateSizes(_ context: inout AxisContext) {
    guard let output = context.node.output(0), let condition = context.facts(0).contents,
      let count = context.facts[output.index].contents?.count
    else { return }
    let terms = (1...2).map { index in context.node.input(index).flatMap { context.sizeTerms[$0.index] } }
    guard terms.contains(where: { $0 != nil }) else { return }
    context.sizeTerms[output.index] = (0..<count).map { index in
      guard let chosen = condition[condition.count == 1 ? 0 : index].double,
        let source = terms[chosen != 0 ? 0 : 1]
      else { return nil }
      return source[source.count == 1 ? 0 : min(index, source.count - 1)]
    }
  }
}
