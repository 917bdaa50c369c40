import Dimensions
import IR

/// `Gather`: takes slices along one axis, which is fixed: embedding tables, channel choices, elements of shapes.
public struct Gather: Operator {
  public let names = [OperatorName("Gather")]
  public let isShapeArithmetic = true

  private func along(_ node: Node, rank: Int) -> Int? {
    let attribute = node.int("axis", default: 0)
    let axis = attribute < 0 ? Int(attribute) + rank : Int(attribute)
    return axis >= 0 && axis < rank ? axis : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let data = context.shape(0), let indices = context.shape(1) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    let axis = try context.axis(context.node.int("axis", default: 0), rank: data.count)
    let shape = Array(data[..<axis]) + indices + Array(data[(axis + 1)...])
    context.setOutput(type: context.type(0), shape: shape, contents: contents(context, rank: data.count))
  }

  private func contents(_ context: ShapeContext, rank: Int) -> [Element]? {
    guard rank == 1, let all = context.contents(0), let indices = context.facts(1).knownInts else { return nil }
    return indices.map { index in
      let position = index < 0 ? index + all.count : index
      return all.indices.contains(position) ? all[position] : .unknown
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let data = context.input(0), let indices = context.input(1), let along = along(context.node, rank: data.count)
    else { return context.fixInputs("an operand has an unknown rank") }
    context.fix(data[along], "Gather picks along it")
    context.fix(indices, "it indexes")
    var axes = Array(data[..<along])
    axes += indices.map { Axis($0.dimension, vanishes: true) }
    axes += data[(along + 1)...]
    context.setOutput(axes)
    if context.isWeight(0), !context.isWeight(1) {
      for (axis, dimension) in data.enumerated() where axis != along {
        context.note(.embeddingTable, dimension)
        context.role(0, axis: axis, .producer)
      }
    }
    guard let input = context.node.input(0), let output = context.node.output(0), data.count == 1,
      let terms = context.sizeTerms[input.index], let picks = context.facts(1).knownInts
    else { return }
    context.sizeTerms[output.index] = picks.map { pick in
      let position = pick < 0 ? pick + terms.count : pick
      return terms.indices.contains(position) ? terms[position] : nil
    }
  }
}
