import Dimensions
import IR

/// `Conv`: the input's channels meet the weight's second axis, the output's are its first.
public struct Conv: Operator {
  public let names = [OperatorName("Conv")]

  public init() {}

  // MARK: Shapes

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Self.outputShape(&context, input: 0, weight: 1, bias: 2)
    context.setOutput(type: context.type(0), shape: shape)
  }

  static func outputShape(
    _ context: inout ShapeContext, input: Int, weight: Int, bias: Int?, layout: ChannelLayout = .second
  ) throws(OperatorError) -> [Size]? {
    guard let x = context.shape(input).map(layout.channelsSecond), let w = context.shape(weight) else { return nil }
    guard x.count == w.count, x.count > 2 else {
      throw OperatorError("the input has \(x.count) axes, the weight \(w.count); expected the same number, at least 3")
    }
    let group = try group(context.node)
    if let channels = x[1].known, let columns = w[1].known, w[1].times(.known(group)) != x[1] {
      throw OperatorError("the input has \(channels) channels, the weight takes \(columns) in each of \(group) groups")
    }
    if let rows = w[0].known, rows % group != 0 {
      throw OperatorError("the weight makes \(rows) channels, which \(group) groups do not divide")
    }
    if let bias { try checkBias(context, bias, channels: w[0]) }
    guard let kernel = try kernel(context.node, w[2...]) else {
      return layout.arranged([x[0], w[0]] + x.indices.dropFirst(2).map { context.freshSize(axis: $0) })
    }
    let window = try Window(context.node, kernel: kernel)
    return layout.arranged([x[0], w[0]] + (try window.outputSizes(x[2...], first: 2, &context)))
  }

  static func group(_ node: Node) throws(OperatorError) -> Int {
    let group = node.int("group", default: 1)
    guard group > 0, group < 1 << 31 else { throw OperatorError("group is \(group), expected a positive number") }
    return Int(group)
  }

  static func checkBias(_ context: ShapeContext, _ input: Int, channels: Size) throws(OperatorError) {
    guard let bias = context.shape(input) else { return }
    guard bias.count == 1 else { throw OperatorError("the bias has \(bias.count) axes, expected 1") }
    if let size = bias[0].known, let channels = channels.known, size != channels {
      throw OperatorError("the bias has \(size) elements, expected \(channels)")
    }
  }

  /// The kernel's sizes: the weight's, which the attribute may only repeat.
  static func kernel(_ node: Node, _ spatial: ArraySlice<Size>) throws(OperatorError) -> [Int]? {
    let sizes = spatial.compactMap(\.known)
    guard let given = node.ints("kernel_shape"), !given.isEmpty else {
      return sizes.count == spatial.count ? sizes : nil
    }
    let kernel = given.map { Int($0) }
    guard kernel.count == spatial.count, zip(kernel, spatial).allSatisfy({ $1.known ?? $0 == $0 }) else {
      throw OperatorError("kernel_shape is \(kernel), the weight's kernel \(sizes)")
    }
    return kernel
  }

  // MARK: Axes

  public func relateAxes(_ context: inout AxisContext) { Self.relate(&context, input: 0, weight: 1, bias: 2) }

  static func relate(
    _ context: inout AxisContext, input: Int, weight: Int, bias: Int?, layout: ChannelLayout = .second
  ) {
    guard let x = context.input(input).map(layout.channelsSecond), let w = context.input(weight), x.count == w.count,
      x.count > 2, let shape = context.outputShape().map(layout.channelsSecond), let group = try? group(context.node)
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix(x[2...], "a convolution slides along it")
    context.fix(w[2...], "it is a kernel's axis")
    guard var vanishes = relateChannels(&context, x, w, group) else {
      return context.fixInputs("its weight has an unknown shape")
    }
    noteEvidence(&context, w)
    if context.isWeight(weight) {
      context.role(weight, axis: 0, .producer)
      if !context.size(w[1]).isOne { context.role(weight, axis: 1, .consumer) }
    }
    let isBiased = bias.map { context.has($0) } ?? false
    if let bias, isBiased {
      guard let values = context.input(bias), values.count == 1 else {
        return context.fixInputs("its bias has an unknown shape")
      }
      context.unify(values[0], w[0])
      context.role(bias, axis: 0, .producer)
      vanishes = vanishes && values[0].vanishes
    }
    let batch = Axis(x[0].dimension, vanishes: x[0].vanishes && !isBiased)
    let spatial = shape.dropFirst(2).map { context.fixedAxis($0, "a convolution slides along it") }
    context.setOutput(layout.arranged([batch, Axis(w[0].dimension, vanishes: vanishes)] + spatial))
  }

  /// - Returns: whether the product vanishes along the output's channels; `nil` where the groups cannot be told.
  private static func relateChannels(_ context: inout AxisContext, _ x: [Axis], _ w: [Axis], _ group: Int) -> Bool? {
    if group == 1 {
      context.unify(x[1], w[1])
      context.sumOver(Axis(w[1].dimension, vanishes: x[1].vanishes || w[1].vanishes), "a convolution sums over it")
      return w[0].vanishes
    }
    guard let rows = context.size(w[0]).known, let columns = context.size(w[1]).known, rows % group == 0 else {
      return nil
    }
    if columns == 1, rows == group {
      context.unify(x[1], w[0])
      context.remember("group", w[0].dimension)
      context.note(.depthwise, w[0])
      return x[1].vanishes || w[0].vanishes
    }
    let groups = context.dimensions.make(.known(group))
    let rowsInGroup = context.dimensions.make(.known(rows / group))
    let outer = context.dimensions.product([groups, rowsInGroup])
    let inner = context.dimensions.product([groups, w[1].dimension])
    context.unify(x[1].dimension, inner)
    context.unify(w[0].dimension, outer)
    context.sumOver(Axis(w[1].dimension, vanishes: x[1].vanishes || w[1].vanishes), "a convolution sums over it")
    context.remember("group", groups)
    context.note(columns > 1 ? .convolutionGroup : .depthwise, Axis(groups, vanishes: true))
    return w[0].vanishes
  }

  static func noteEvidence(_ context: inout AxisContext, _ w: [Axis]) {
    let kernel = w[2...].compactMap { context.size($0).known }
    let window = kernel.count == w.count - 2 ? try? Window(context.node, kernel: kernel) : nil
    for axis in w.prefix(2) {
      context.note(.convolutionChannel, axis)
      if window?.overlaps ?? false { context.note(.spatialConvolution, axis) }
    }
  }

  // MARK: Cost and rewriting

  public func macs(_ context: MACContext) -> [MACTerm] { Self.macs(context, weight: 1) }

  static func macs(_ context: MACContext, weight: Int, layout: ChannelLayout = .second) -> [MACTerm] {
    guard let w = context.dimensions(weight), let shape = context.shape(weight),
      let output = context.outputShape().map(layout.channelsSecond), shape.count == w.count, w.count == output.count,
      w.count > 2, let kernel = Size.product(shape[2...])?.known
    else { return [] }
    return [MACTerm(constant: kernel, axes: [w[0], w[1]], sizes: [output[0]] + output[2...])]
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Self.adaptGroup(&context) }

  static func adaptGroup(_ context: inout RewriteContext) {
    guard let groups = context.remembered("group")?.known, Int64(groups) != context.node.int("group", default: 1) else {
      return
    }
    context.node.setAttribute("group", .int(Int64(groups)))
  }
}
