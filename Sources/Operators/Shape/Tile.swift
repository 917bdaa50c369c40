import Dimensions
import IR

/// `Tile`: repeats axes a constant number of times. The repeats stay, what is repeated may shrink.
public struct Tile: Operator {
  public let names = [OperatorName("Tile")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let input = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let repeats = context.contents(1) else {
      return context.setOutput(type: context.type(0), shape: input.indices.map { context.freshSize(axis: $0) })
    }
    guard repeats.count == input.count else {
      throw OperatorError("it repeats \(repeats.count) axes of a tensor of \(input.count)")
    }
    let shape = input.indices.map { axis in
      repeats[axis].size.flatMap { input[axis].times($0) } ?? context.freshSize(axis: axis)
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let input = context.input(0), let shape = context.outputShape(), shape.count == input.count else {
      return context.fixInputs("its shape is known only at run time")
    }
    let repeats = context.facts(1).contents
    var axes: [Axis] = []
    for (index, axis) in input.enumerated() {
      if shape[index] == context.size(axis) {
        axes.append(axis)
      } else if let count = repeats?[index].size, shape[index].known != nil {
        let outer = context.fixedAxis(count, "Tile repeats it")
        axes.append(Axis(context.dimensions.product([outer.dimension, axis.dimension]), vanishes: axis.vanishes))
      } else {
        context.fix(axis, "Tile repeats it a number of times known only at run time")
        axes.append(context.fixedAxis(shape[index], "Tile repeats it"))
      }
    }
    context.setOutput(axes)
  }
}
