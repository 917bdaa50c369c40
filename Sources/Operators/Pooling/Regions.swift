import Dimensions
import IR

/// `RoiAlign` and `MaxRoiPool`: pool regions of a feature map; channels pass.
public struct RegionPool: Operator {
  public let names = [OperatorName("RoiAlign"), OperatorName("MaxRoiPool")]

  private func size(_ node: Node) -> [Size] {
    if node.opType == "MaxRoiPool" { return (node.ints("pooled_shape") ?? []).map { .known(Int($0)) } }
    return [node.int("output_height", default: 1), node.int("output_width", default: 1)].map { .known(Int($0)) }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), x.count == 4, let regions = context.shape(1), regions.count == 2 else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    context.setOutput(type: context.type(0), shape: [regions[0], x[1]] + size(context.node))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count == 4, let regions = context.input(1), regions.count == 2,
      let shape = context.outputShape(), shape.count == 4
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix([x[0], x[2], x[3]], "regions are cut out along it")
    context.fix(regions, "it names regions")
    context.fix(context.input(2) ?? [], "it names images")
    let rows = shape[2...].map { context.fixedAxis($0, "it is pooled") }
    // An empty region is blank whatever the channels are; where a channel is zero, so is every region of it.
    context.setOutput([regions[0], x[1]] + rows)
  }
}

/// `GridSample`: samples a feature map at given places; channels pass.
public struct GridSample: Operator {
  public let names = [OperatorName("GridSample")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let grid = context.shape(1), x.count > 2, grid.count == x.count else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    context.setOutput(type: context.type(0), shape: [x[0], x[1]] + grid[1..<grid.count - 1])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let grid = context.input(1), x.count > 2, grid.count == x.count,
      let shape = context.outputShape(), shape.count == x.count
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix(x[2...], "it is sampled along it")
    context.fix(grid.dropFirst(), "it names positions")
    context.unify(x[0], grid[0])
    let places = shape[2...].map { context.fixedAxis($0, "it names positions") }
    context.setOutput([x[0], x[1]] + places)
  }
}
