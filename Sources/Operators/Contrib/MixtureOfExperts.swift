import Dimensions
import IR

/// `MoE`: a router chooses some of many feed-forward networks for every token. Their inner width is free; how many
/// there are is the router's business.
public struct MixtureOfExperts: Operator {
  public let names: [OperatorName] = [.microsoft("MoE")]

  public init() {}

  private enum Input {
    static let router = 1, first = 2, firstBias = 3, second = 4, secondBias = 5, third = 6, thirdBias = 7
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    for input in [Input.first, Input.second, Input.third] {
      if let shape = context.shape(input), shape.count != 3 {
        throw OperatorError("input \(input) has \(shape.count) axes, expected 3")
      }
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  /// How many matrices the first one joins, from its rows and the width they make.
  private func joined(_ rows: Size, _ width: Size) -> Int? {
    guard let rows = rows.known, let width = width.known, width > 0, rows % width == 0 else { return nil }
    return rows / width
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let hidden = x.last, let router = context.input(Input.router),
      let first = context.input(Input.first), first.count == 3, let second = context.input(Input.second),
      second.count == 3, let joined = joined(context.size(first[1]), context.size(second[2]))
    else { return context.fixInputs("its experts have unknown shapes") }
    let fusion = context.node.int("swiglu_fusion", default: 0)
    let two = context.fixedAxis(.known(2), "gates and values are joined").dimension
    let rows: DimensionID
    switch (joined, fusion) {
    case (1, _): rows = second[2].dimension
    case (2, 1): rows = context.dimensions.product([second[2].dimension, two])
    case (2, 2): rows = context.dimensions.product([two, second[2].dimension])
    default: return context.fixInputs("its gates are joined in a way that is not understood")
    }
    context.fix(router, "a router chooses among experts")
    relateExperts(&context, rows: rows, inner: second[2].dimension)
    context.unify(hidden, first[2])
    context.unify(hidden, second[1])
    context.sumOver(Axis(hidden.dimension, vanishes: hidden.vanishes || first[2].vanishes), "experts sum over it")
    context.sumOver(second[2], "experts sum over it")
    context.note(.denseOutput, Axis(second[2].dimension, vanishes: true))
    for (input, consumer, producer) in [(Input.first, 2, 1), (Input.second, 2, 1), (Input.third, 2, 1)] {
      context.role(input, axis: consumer, .consumer)
      context.role(input, axis: producer, .producer)
    }
    let bias = context.input(Input.secondBias)?.last
    let leading = x.dropLast().map { Axis($0.dimension, vanishes: false) }
    context.setOutput(
      leading + [Axis(hidden.dimension, vanishes: second[1].vanishes && (bias?.vanishes ?? true))])
  }

  private func relateExperts(_ context: inout AxisContext, rows: DimensionID, inner: DimensionID) {
    for input in Input.first...Input.thirdBias {
      guard let axes = context.input(input), axes.count > 1 else { continue }
      context.fix(axes[0], "a router chooses among experts")
      switch input {
      case Input.first, Input.firstBias: context.unify(axes[1].dimension, rows)
      case Input.third: context.unify(axes[1].dimension, inner)
      case Input.thirdBias: context.unify(axes[axes.count - 1].dimension, inner)
      case Input.secondBias:
        if let hidden = context.input(0)?.last { context.unify(hidden, axes[axes.count - 1]) }
      default: continue
      }
    }
    if let axes = context.input(Input.third), axes.count == 3, let hidden = context.input(0)?.last {
      context.unify(hidden, axes[2])
    }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let x = context.shape(0), let first = context.dimensions(Input.first), first.count == 3,
      let second = context.dimensions(Input.second), second.count == 3
    else { return [] }
    // Every token goes through as many experts as the router chooses.
    let chosen = max(1, Int(clamping: context.node.int("k", default: 1)))
    var matrices = [Array(first.dropFirst()), Array(second.dropFirst())]
    if let third = context.dimensions(Input.third), third.count == 3 { matrices.append(Array(third.dropFirst())) }
    return matrices.map { MACTerm(constant: chosen, axes: $0, sizes: Array(x.dropLast())) }
  }
}
