import Dimensions
import IR

/// `ConvTranspose`: the weight's first axis meets the input's channels, its second makes the output's.
public struct ConvTranspose: Operator {
  public let names = [OperatorName("ConvTranspose")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let w = context.shape(1) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    guard x.count == w.count, x.count > 2 else {
      throw OperatorError("the input has \(x.count) axes, the weight \(w.count); expected the same number, at least 3")
    }
    if let channels = x[1].known, let rows = w[0].known, channels != rows {
      throw OperatorError("the input has \(channels) channels, the weight takes \(rows)")
    }
    let group = try Conv.group(context.node)
    if let rows = w[0].known, rows % group != 0 {
      throw OperatorError("the weight takes \(rows) channels, which \(group) groups do not divide")
    }
    let channels = w[1].times(.known(group)) ?? context.freshSize(axis: 1)
    try Conv.checkBias(context, 2, channels: channels)
    let sizes = try Self.outputSizes(context.node, Array(x[2...]), kernel: try Conv.kernel(context.node, w[2...]))
    let spatial = sizes.enumerated().map { axis, size in size ?? context.freshSize(axis: axis + 2) }
    context.setOutput(type: context.type(0), shape: [x[0], channels] + spatial)
  }

  /// The output's spatial sizes; `nil` where they cannot be told.
  /// - Parameter input: spatial sizes of the input.
  static func outputSizes(_ node: Node, _ input: [Size], kernel: [Int]?) throws(OperatorError) -> [Size?] {
    if let given = node.ints("output_shape"), given.count >= input.count {
      guard given.allSatisfy({ $0 > 0 }) else { throw OperatorError("output_shape is \(given)") }
      return given.suffix(input.count).map { Size.known(Int($0)) }
    }
    guard let kernel else { return [Size?](repeating: nil, count: input.count) }
    let window = try Window(node, kernel: kernel)
    let extra = try Window.list(node, "output_padding", count: input.count, default: 0)
    guard extra.allSatisfy({ $0 >= 0 && $0 < 1 << 30 }) else { throw OperatorError("output_padding is \(extra)") }
    var sizes: [Size?] = []
    for (axis, size) in input.enumerated() {
      let stride = Size.known(window.strides[axis])
      let output: Size?
      if window.isSame {
        output = size.times(stride)
      } else {
        let (before, after) = window.padding(axis)
        let rest = window.extent(axis) + extra[axis] - before - after
        output = size.minus(.known(1))?.times(stride)?.plus(.known(rest))
      }
      if let count = output?.known, count <= 0 { throw OperatorError("axis \(axis + 2) would have \(count) elements") }
      sizes.append(output)
    }
    return sizes
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let w = context.input(1), x.count == w.count, x.count > 2,
      let shape = context.outputShape(), let group = try? Conv.group(context.node)
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix(x[2...], "a convolution slides along it")
    context.fix(w[2...], "it is a kernel's axis")
    context.unify(x[1], w[0])
    context.sumOver(Axis(w[0].dimension, vanishes: x[1].vanishes || w[0].vanishes), "a convolution sums over it")
    var channels = w[1].dimension
    var vanishes = w[1].vanishes
    if group > 1 {
      guard let output = relateGroups(&context, w, group) else {
        return context.fixInputs("its weight has an unknown shape")
      }
      channels = output
      // A removed group shows in the weight's first axis only.
      vanishes = vanishes && (w[0].vanishes || x[1].vanishes)
    }
    Conv.noteEvidence(&context, w)
    if context.isWeight(1) {
      context.role(1, axis: 0, .consumer)
      context.role(1, axis: 1, .producer)
    }
    if context.has(2) {
      guard let bias = context.input(2), bias.count == 1 else {
        return context.fixInputs("its bias has an unknown shape")
      }
      context.unify(bias[0].dimension, channels)
      context.role(2, axis: 0, .producer)
      vanishes = vanishes && bias[0].vanishes
    }
    let batch = Axis(x[0].dimension, vanishes: x[0].vanishes && !context.has(2))
    let spatial = shape.dropFirst(2).map { context.fixedAxis($0, "a convolution slides along it") }
    context.setOutput([batch, Axis(channels, vanishes: vanishes)] + spatial)
  }

  /// - Returns: the output's channels.
  private func relateGroups(_ context: inout AxisContext, _ w: [Axis], _ group: Int) -> DimensionID? {
    guard let rows = context.size(w[0]).known, let columns = context.size(w[1]).known, rows % group == 0 else {
      return nil
    }
    let groups = context.dimensions.make(.known(group))
    let inner = context.dimensions.make(.known(rows / group))
    let product = context.dimensions.product([groups, inner])
    context.unify(w[0].dimension, product)
    context.remember("group", groups)
    context.note(columns > 1 || rows > group ? .convolutionGroup : .depthwise, Axis(groups, vanishes: true))
    return context.dimensions.product([groups, w[1].dimension])
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let w = context.dimensions(1), let weight = context.shape(1), let x = context.shape(0),
      weight.count == w.count, w.count == x.count, w.count > 2, let kernel = Size.product(weight[2...])?.known
    else { return [] }
    return [MACTerm(constant: kernel, axes: [w[0], w[1]], sizes: [x[0]] + x[2...])]
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}
