import Dimensions
import IR

/// `Pad`: concatenates a constant border; cropping (negative pads) fixes the axis.
public struct Pad: Operator {
  public let names = [OperatorName("Pad")]

  /// Elements before and after each axis.
  private func pads(_ node: Node, rank: Int, ints: (Int, String) -> [Int]?) -> [(before: Int, after: Int)]? {
    guard let flat = ints(1, "pads") else { return nil }
    let axes: [Int]
    if node.input(3) != nil {
      guard let given = ints(3, "axes") else { return nil }
      axes = given.map { $0 < 0 ? $0 + rank : $0 }
    } else {
      axes = Array(0..<rank)
    }
    guard flat.count == 2 * axes.count, axes.allSatisfy({ $0 >= 0 && $0 < rank }) else { return nil }
    var pads = [(before: Int, after: Int)](repeating: (0, 0), count: rank)
    for (position, axis) in axes.enumerated() { pads[axis] = (flat[position], flat[axes.count + position]) }
    return pads
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let input = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    let facts = context
    guard let pads = pads(context.node, rank: input.count, ints: { facts.ints(input: $0, orAttribute: $1) }) else {
      return context.setOutput(type: context.type(0), shape: input.indices.map { context.freshSize(axis: $0) })
    }
    var shape: [Size] = []
    for (axis, size) in input.enumerated() {
      let padded = size.plus(.known(pads[axis].before))?.plus(.known(pads[axis].after))
      if let known = padded?.known, known < 0 { throw OperatorError("axis \(axis) is cropped to \(known) elements") }
      shape.append(padded ?? context.freshSize(axis: axis))
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.plainInput(0), let shape = context.outputShape(), shape.count == axes.count else {
      return context.fixInputs("its shape is known only at run time")
    }
    let facts = context
    guard let pads = pads(context.node, rank: axes.count, ints: { facts.ints(input: $0, orAttribute: $1) }) else {
      context.fix(axes, "it is padded by amounts known only at run time")
      return context.setFixedOutput("it is padded by amounts known only at run time")
    }
    let isConstant = (context.node.string("mode") ?? "constant") == "constant"
    for (axis, pad) in pads.enumerated() where pad != (0, 0) {
      guard isConstant, pad.before >= 0, pad.after >= 0, context.size(axes[axis]).known != nil else {
        context.fix(axes[axis], "it is cropped or padded with its own elements")
        axes[axis] = context.fixedAxis(shape[axis], "it is cropped or padded with its own elements")
        continue
      }
      let border = [pad.before, pad.after].map { context.fixedAxis(.known($0), "it is padding").dimension }
      let sum = context.dimensions.sum([border[0], axes[axis].dimension, border[1]])
      axes[axis].dimension = sum
    }
    let value = context.has(2) ? context.facts(2).contents?.first?.double : Double(context.node.float("value") ?? 0)
    if value != 0, isConstant, pads.contains(where: { $0 != (0, 0) }) {
      // The border is drawn through removed channels of the other axes too.
      for axis in axes.indices { axes[axis].vanishes = false }
    }
    context.setOutput(axes)
  }
}
