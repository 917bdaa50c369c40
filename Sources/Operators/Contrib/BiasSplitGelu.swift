import Dimensions
import IR

/// `BiasSplitGelu`: a bias on the last axis, whose first half is multiplied by the activated second.
public struct BiasSplitGelu: Operator {
  public let names: [OperatorName] = [.microsoft("BiasSplitGelu")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0), let width = shape.last else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    let half = width.dividedExactly(by: .known(2))
    if half == nil, let width = width.known { throw OperatorError("its width of \(width) has no halves") }
    context.setOutput(
      type: context.type(0), shape: shape.dropLast() + [half ?? context.freshSize(axis: shape.count - 1)])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let width = x.last, let bias = context.input(1), bias.count == 1,
      let half = context.size(width).known.flatMap({ $0 % 2 == 0 ? $0 / 2 : nil })
    else { return context.fixInputs("its operands have unknown shapes") }
    let output = context.dimensions.make(.known(half))
    let halves = context.dimensions.sum([output, output])
    context.unify(width.dimension, halves)
    context.unify(bias[0], width)
    context.role(1, axis: 0, .producer)
    // Along the other axes the bias remains.
    let leading = x.dropLast().map { Axis($0.dimension, vanishes: false) }
    context.setOutput(leading + [Axis(output, vanishes: width.vanishes && bias[0].vanishes)])
  }
}
