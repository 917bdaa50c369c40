import Dimensions
import IR

/// The contrib `Attention` and its quantized form `QAttention`: one matrix projects to queries, keys and values, which
/// lie one after the other on its columns.
public struct ProjectedAttention: Operator {
  public let names: [OperatorName] = [.microsoft("Attention"), .microsoft("QAttention")]

  public init() {}

  /// Where the two operators keep what they share.
  private struct Layout {
    let mask: Int
    let past: Int
    var bias: Int?
    var pastLength: Int?
    var scalars: [Int] = []
    var columnScales: [Int] = []

    init(_ node: Node) {
      if node.opType == "QAttention" {
        (mask, past, scalars, columnScales) = (5, 8, [3, 6], [4, 7])
      } else {
        (mask, past, bias, pastLength) = (3, 4, 5, 6)
      }
    }
  }

  public func sizeInputs(_ node: Node) -> Set<Int> { Layout(node).pastLength.map { [$0] } ?? [] }

  /// Widths of all heads of queries, keys and values.
  private func widths(_ node: Node, columns: Size?) -> [Int]? {
    if let given = node.ints("qkv_hidden_sizes"), !given.isEmpty {
      let widths = given.map { Int($0) }
      return widths.count == 3 && widths[0] == widths[1] && widths.allSatisfy { $0 > 0 && $0 < 1 << 31 } ? widths : nil
    }
    guard let columns = columns?.known, columns > 0, columns % 3 == 0 else { return nil }
    return [Int](repeating: columns / 3, count: 3)
  }

  func sizes(_ node: Node, columns: Size?) -> HeadSizes? {
    guard let heads = try? HeadSizes.count(node, "num_heads"), let widths = widths(node, columns: columns) else {
      return nil
    }
    return HeadSizes(
      heads: heads, groups: heads, width: HeadSizes.width(of: .known(widths[0]), heads: heads),
      valueWidth: HeadSizes.width(of: .known(widths[2]), heads: heads))
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let layout = Layout(context.node)
    let type = context.node.opType == "QAttention" ? context.type(2) : context.type(0)
    guard let x = context.shape(0), let w = context.shape(1) else { return context.setOutput(type: type, shape: nil) }
    guard x.count == 3, w.count == 2 else {
      throw OperatorError("its input has \(x.count) axes, its weight \(w.count); expected 3 and 2")
    }
    if let width = x[2].known, let rows = w[0].known, width != rows {
      throw OperatorError("its input is \(width) wide, its weight takes \(rows)")
    }
    let heads = try HeadSizes.count(context.node, "num_heads")
    let widths = widths(context.node, columns: w[1])
    for width in widths ?? [] { try HeadSizes.check(.known(width), heads: heads, "projections") }
    if let widths, let columns = w[1].known, widths.reduce(0, +) != columns {
      throw OperatorError("its projections are \(widths) wide, its weight makes \(columns)")
    }
    if let size = context.shape(2)?.last?.known, let columns = w[1].known, size != columns {
      throw OperatorError("the bias has \(size) elements, expected \(columns)")
    }
    let width = widths.map { Size.known($0[2]) } ?? context.freshSize(axis: 2)
    context.setOutput(0, type: type, shape: [x[0], x[1], width])
    guard let sizes = sizes(context.node, columns: w[1]) else { return }
    let positions = totalLength(&context, layout, x[1])
    context.setOutput(
      1, type: type, shape: [.known(2), x[0], .known(heads), positions, .known(sizes.width)])
  }

  private func totalLength(_ context: inout ShapeContext, _ layout: Layout, _ own: Size) -> Size {
    guard context.has(layout.past) else { return own }
    guard let past = context.shape(layout.past), past.count == 5 else { return context.freshSize(output: 1, axis: 3) }
    if context.node.int("past_present_share_buffer", default: 0) != 0 { return past[3] }
    return past[3].plus(own) ?? context.freshSize(output: 1, axis: 3)
  }

  public func relateAxes(_ context: inout AxisContext) {
    let layout = Layout(context.node)
    guard let x = context.input(0), x.count == 3, let w = context.input(1), w.count == 2,
      let sizes = sizes(context.node, columns: context.shape(1)?.last), context.outputShape() != nil
    else { return context.fixInputs("its heads are not known") }
    context.unify(x[2], w[0])
    context.sumOver(Axis(w[0].dimension, vanishes: x[2].vanishes || w[0].vanishes), "a projection sums over it")
    let heads = AttentionHeads(
      &context, sizes, width: width(context.node, sizes), sharesWidth: sharesWidth(context.node, layout))
    context.unify(w[1].dimension, heads.packed(&context))
    context.role(1, axis: 0, .consumer)
    context.role(1, axis: 1, .producer)
    context.note(.denseInput, w[0])
    var vanishes = w[1].vanishes
    if context.has(2) {
      guard let bias = context.input(2), bias.count == 1 else {
        return context.fixInputs("its bias has an unknown shape")
      }
      context.unify(bias[0], w[1])
      context.role(2, axis: 0, .producer)
      vanishes = vanishes && bias[0].vanishes
    }
    context.relateScales(layout.scalars)
    for input in layout.columnScales { context.relateScale(input, along: w[1].dimension) }
    relateRest(&context, layout, x, heads, vanishes)
  }

  private func relateRest(
    _ context: inout AxisContext, _ layout: Layout, _ x: [Axis], _ heads: AttentionHeads, _ vanishes: Bool
  ) {
    AttentionHeads.fixBatch(&context, inputs: [0])
    context.fix(x[1], "positions attend to each other along it")
    heads.contract(&context, queries: vanishes, keys: vanishes)
    for input in [layout.mask, layout.pastLength] {
      if let input, let axes = context.input(input) { context.fix(axes, "it masks positions") }
    }
    if let bias = layout.bias { heads.relateBias(&context, bias) }
    var values = vanishes
    if context.has(layout.past) {
      guard let past = context.input(layout.past), past.count == 5 else {
        return context.fixInputs("a cache of an unexpected rank")
      }
      context.fix([past[0], past[1], past[3]], "it counts samples and positions, of keys and of values")
      context.unify(past[2].dimension, heads.groups)
      context.unify(past[4].dimension, heads.width)
      values = values && past[2].vanishes && past[4].vanishes
    }
    let batch = Axis(x[0].dimension, vanishes: false)
    context.remember("queries", heads.queries(&context))
    context.setOutput(
      0, [batch, Axis(x[1].dimension, vanishes: false), Axis(heads.output(&context), vanishes: values)])
    guard let shape = context.outputShape(1), shape.count == 5 else { return }
    context.setOutput(
      1,
      [
        context.fixedAxis(shape[0], "keys and values are stacked along it"), batch,
        Axis(heads.groups, vanishes: values), context.fixedAxis(shape[3], "it counts positions"),
        Axis(heads.width, vanishes: values),
      ])
  }

  /// Keys and values are one tensor in a cache, and one width in the quantized form.
  private func sharesWidth(_ node: Node, _ layout: Layout) -> Bool {
    node.opType == "QAttention" || node.input(layout.past) != nil || node.output(1) != nil
  }

  private func width(_ node: Node, _ sizes: HeadSizes) -> AttentionHeads.Width {
    guard node.int("do_rotary", default: 0) != 0 else { return .any }
    // A partly rotated head would need caches that nobody can check here.
    return .rotated(sizes.width)
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let x = context.shape(0), x.count == 3, let w = context.dimensions(1), let y = context.outputDimensions(),
      y.count == 3, let queries = context.remembered("queries")
    else { return [] }
    let keys = context.outputShape(1).flatMap { $0.count == 5 ? $0[3] : nil } ?? x[1]
    return [MACTerm(axes: w, sizes: [x[0], x[1]])]
      + AttentionHeads.macs(queries: [queries], output: [y[2]], batch: x[0], positions: x[1], keys: keys)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let sizes = sizes(context.node, columns: context.originalFacts(1).shape?.last) else { return }
    AttentionHeads.freezeScale(&context, width: sizes.width)
    context.adaptCount("num_heads", "heads")
    guard context.node.opType == "Attention", let heads = context.remembered("heads")?.known,
      let width = context.remembered("width")?.known, let valueWidth = context.remembered("valueWidth")?.known
    else { return }
    let kept = [heads * width, heads * width, heads * valueWidth].map(Int64.init)
    let given = context.node.ints("qkv_hidden_sizes") ?? []
    if !given.isEmpty ? given != kept : kept[0] != kept[2] {
      context.node.setAttribute("qkv_hidden_sizes", .ints(kept))
    }
  }
}
