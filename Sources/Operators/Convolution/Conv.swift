import Dimensions
import IR

/// `Conv` and its fused form: the input's channels meet the weight's second axis, the output's are its first.
public struct Conv: Operator {
  public let names = [OperatorName("Conv"), .microsoft("FusedConv")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Self.outputShape(&context, input: 0, weight: 1)
    if let bias = context.shape(2), let size = bias.first?.known, let channels = context.shape(1)?.first?.known,
      size != channels
    {
      throw OperatorError("the bias has \(size) elements, expected \(channels)")
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  static func outputShape(_ context: inout ShapeContext, input: Int, weight: Int) throws(OperatorError) -> [Size]? {
    guard let x = context.shape(input), let w = context.shape(weight) else { return nil }
    guard x.count == w.count, x.count > 2 else {
      throw OperatorError("the input has \(x.count) axes, the weight \(w.count)")
    }
    let group = try group(context.node)
    if let channels = x[1].known, let columns = w[1].known, !columns.multipliedReportingOverflow(by: group).overflow,
      channels != columns * group
    {
      throw OperatorError("the input has \(channels) channels, the weight takes \(columns) in each of \(group) groups")
    }
    if let rows = w[0].known, rows % group != 0 { throw OperatorError("\(rows) channels in \(group) groups") }
    let kernel = w[2...].compactMap(\.known)
    guard kernel.count == w.count - 2, kernel.allSatisfy({ $0 > 0 }) else {
      return [x[0], w[0]] + x[2...].indices.map { context.freshSize(axis: $0) }
    }
    let window = try Window(context.node, kernel: kernel)
    var shape = [x[0], w[0]]
    for (axis, size) in x[2...].enumerated() {
      let output = window.outputSize(size, axis: axis, symbols: &context.symbols) ?? context.freshSize(axis: axis + 2)
      if let count = output.known, count <= 0 { throw OperatorError("axis \(axis + 2) is shorter than the kernel") }
      shape.append(output)
    }
    return shape
  }

  static func group(_ node: Node) throws(OperatorError) -> Int {
    let group = node.int("group", default: 1)
    guard group > 0, group < 1 << 31 else { throw OperatorError("group is \(group)") }
    return Int(group)
  }

  public func relateAxes(_ context: inout AxisContext) {
    Self.relate(&context, input: 0, weight: 1, bias: 2)
    guard context.node.opType == "FusedConv", let output = context.node.output(0), var axes = context.axes[output.index]
    else { return }
    if context.has(3) {
      guard let sum = context.input(3), let shape = context.outputShape() else {
        return context.fixInputs("its summand has an unknown rank")
      }
      axes = context.broadcast([axes, sum], shape: shape) { $0.allSatisfy { $0 } }
    }
    let keepsZero = ["Relu", "LeakyRelu", "Tanh", "HardSwish", nil].contains(context.node.string("activation"))
    for index in axes.indices { axes[index].vanishes = axes[index].vanishes && keepsZero }
    context.setOutput(axes)
  }

  static func relate(_ context: inout AxisContext, input: Int, weight: Int, bias: Int?) {
    guard let x = context.input(input), let w = context.input(weight), x.count == w.count, x.count > 2,
      let shape = context.outputShape(), let group = try? group(context.node)
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix(x[2...], "a convolution slides along it")
    context.fix(w[2...], "it is a kernel's axis")
    relateChannels(&context, x, w, group)
    noteEvidence(&context, w, group)
    if context.isWeight(weight) {
      context.role(weight, axis: 0, .producer)
      if context.size(w[1]).known ?? 2 > 1 { context.role(weight, axis: 1, .consumer) }
    }
    var vanishes = w[0].vanishes
    if let bias, context.has(bias) {
      if let values = context.input(bias), values.count == 1 {
        context.unify(values[0], w[0])
        vanishes = vanishes && values[0].vanishes
        context.role(bias, axis: 0, .producer)
      } else {
        context.fix(w[0], "its bias has an unknown shape")
      }
    }
    var axes = [x[0], Axis(w[0].dimension, vanishes: vanishes)]
    for size in shape.dropFirst(2) { axes.append(context.fixedAxis(size, "a convolution slides along it")) }
    context.setOutput(axes)
  }

  private static func relateChannels(_ context: inout AxisContext, _ x: [Axis], _ w: [Axis], _ group: Int) {
    if group == 1 {
      context.unify(x[1], w[1])
      // The weight's columns are zeroed with the channel, so nothing of it is summed.
      return
    }
    guard let rows = context.size(w[0]).known, let columns = context.size(w[1]).known else {
      return context.fixInputs("its weight has an unknown shape")
    }
    if columns == 1, rows == group {
      context.unify(x[1], w[0])
      context.remember("group", w[0].dimension)
      context.note(.depthwise, w[0])
      return
    }
    let groups = context.dimensions.make(.known(group))
    let inner = columns > 1 ? context.dimensions.product([groups, w[1].dimension]) : groups
    context.unify(x[1].dimension, inner)
    let rowsInGroup = context.dimensions.make(.known(rows / group))
    let outer = context.dimensions.product([groups, rowsInGroup])
    context.unify(w[0].dimension, outer)
    context.remember("group", groups)
    context.note(columns > 1 ? .convolutionGroup : .depthwise, Axis(groups, vanishes: true))
  }

  private static func noteEvidence(_ context: inout AxisContext, _ w: [Axis], _ group: Int) {
    context.note(.convolutionChannel, w[0])
    context.note(.convolutionChannel, w[1])
    let kernel = w[2...].compactMap { context.size($0).known }
    guard kernel.count == w.count - 2, let window = try? Window(context.node, kernel: kernel), window.overlaps else {
      return
    }
    context.note(.spatialConvolution, w[0])
    context.note(.spatialConvolution, w[1])
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    Self.macs(context, weight: 1)
  }

  static func macs(_ context: MACContext, weight: Int) -> [MACTerm] {
    guard let w = context.dimensions(weight), let shape = context.shape(weight), let output = context.outputShape(),
      w.count == output.count, w.count > 2
    else { return [] }
    let kernel = shape[2...].compactMap(\.known).reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
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
