import Dimensions
import IR

/// `ConvTranspose`: the weight's first axis meets the input's channels, its second makes the output's.
public struct ConvTranspose: Operator {
  public let names = [OperatorName("ConvTranspose")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let w = context.shape(1) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    guard x.count == w.count, x.count > 2 else {
      throw OperatorError("the input has \(x.count) axes, the weight \(w.count)")
    }
    if let a = x[1].known, let b = w[0].known, a != b {
      throw OperatorError("the input has \(a) channels, the weight takes \(b)")
    }
    let group = try Conv.group(context.node)
    let channels = w[1].times(.known(group)) ?? context.freshSize(axis: 1)
    let kernel = w[2...].compactMap(\.known)
    var shape = [x[0], channels]
    let given = context.node.ints("output_shape")
    let window = kernel.count == w.count - 2 ? try Window(context.node, kernel: kernel) : nil
    let extra = context.node.ints("output_padding") ?? []
    for axis in 0..<(x.count - 2) {
      var size: Size?
      if let given, given.count == x.count - 2 {
        size = .known(Int(given[axis]))
      } else if let window {
        let stride = window.strides[axis]
        if window.autoPad.hasPrefix("SAME") {
          size = x[axis + 2].times(.known(stride))
        } else {
          let padding = window.autoPad == "VALID" ? 0 : window.pads[axis].before + window.pads[axis].after
          let added = axis < extra.count ? Int(truncatingIfNeeded: extra[axis]) : 0
          let rest = (window.kernel[axis] - 1) * window.dilations[axis] + 1 - padding
          size = x[axis + 2].minus(.known(1))?.times(.known(stride))?.plus(.known(rest))?.plus(.known(added))
        }
      }
      shape.append(size ?? context.freshSize(axis: axis + 2))
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let w = context.input(1), x.count == w.count, x.count > 2,
      let shape = context.outputShape(), let group = try? Conv.group(context.node)
    else { return context.fixInputs("its operands have unknown ranks") }
    context.fix(x[2...], "a convolution slides along it")
    context.fix(w[2...], "it is a kernel's axis")
    context.unify(x[1], w[0])
    var output = w[1].dimension
    if group > 1 {
      guard let rows = context.size(w[0]).known, let columns = context.size(w[1]).known, rows % group == 0 else {
        return context.fixInputs("its weight has an unknown shape")
      }
      let groups = context.dimensions.make(.known(group))
      let inner = context.dimensions.make(.known(rows / group))
      let product = context.dimensions.product([groups, inner])
      context.unify(w[0].dimension, product)
      output = columns > 1 ? context.dimensions.product([groups, w[1].dimension]) : groups
      context.remember("group", groups)
      context.note(columns > 1 || rows > group ? .convolutionGroup : .depthwise, Axis(groups, vanishes: true))
    }
    context.note(.convolutionChannel, w[0])
    context.note(.convolutionChannel, w[1])
    context.note(.spatialConvolution, w[0])
    context.note(.spatialConvolution, w[1])
    context.role(1, axis: 0, .consumer)
    context.role(1, axis: 1, .producer)
    var vanishes = true
    if context.has(2) {
      guard let bias = context.input(2), bias.count == 1 else {
        return context.fixInputs("its bias has an unknown shape")
      }
      context.unify(bias[0].dimension, output)
      context.role(2, axis: 0, .producer)
      vanishes = bias[0].vanishes
    }
    var axes = [x[0], Axis(output, vanishes: vanishes && w[1].vanishes)]
    for size in shape.dropFirst(2) { axes.append(context.fixedAxis(size, "a convolution slides along it")) }
    context.setOutput(axes)
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let w = context.dimensions(1), let weight = context.shape(1), let x = context.shape(0), w.count == x.count,
      w.count > 2
    else { return [] }
    let kernel = weight[2...].compactMap(\.known).reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    return [MACTerm(constant: kernel, axes: [w[0], w[1]], sizes: [x[0]] + x[2...])]
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) { Conv.adaptGroup(&context) }
}
