import Dimensions
import IR

/// The standard `Attention` (operator set 23): queries, keys and values with heads side by side on the last axis, or on
/// an axis of their own.
public struct ScaledDotProductAttention: Operator {
  public let names = [OperatorName("Attention")]

  public init() {}

  private enum Input {
    static let mask = 3, pastKey = 4, pastValue = 5, lengths = 6
  }

  public func sizeInputs(_ node: Node) -> Set<Int> { [Input.lengths] }

  /// How many heads an operand has: the size of its own axis, or what an attribute says.
  private func heads(_ node: Node, _ shape: [Size]?, _ attribute: String) -> Int? {
    shape?.count == 4 ? shape?[1].known : try? HeadSizes.count(node, attribute)
  }

  private func width(_ shape: [Size]?, heads: Int?) -> Int? {
    shape?.count == 4 ? shape?[3].known : heads.flatMap { HeadSizes.width(of: shape?.last, heads: $0) }
  }

  private func sizes(_ node: Node, _ shape: (Int) -> [Size]?) -> HeadSizes? {
    let count = heads(node, shape(0), "q_num_heads")
    let groups = heads(node, shape(1), "kv_num_heads")
    return HeadSizes(
      heads: count, groups: groups, width: width(shape(0), heads: count), valueWidth: width(shape(2), heads: groups))
  }

  // MARK: Shapes

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(0)
    guard let q = context.shape(0), let k = context.shape(1), let v = context.shape(2) else {
      return context.setOutput(type: type, shape: nil)
    }
    for shape in [q, k, v] where shape.count != 3 && shape.count != 4 {
      throw OperatorError("an operand has \(shape.count) axes, expected 3 or 4")
    }
    for (shape, attribute, name) in [
      (q, "q_num_heads", "queries"), (k, "kv_num_heads", "keys"), (v, "kv_num_heads", "values"),
    ] where shape.count == 3 {
      try HeadSizes.check(shape[2], heads: try HeadSizes.count(context.node, attribute), name)
    }
    guard let sizes = sizes(context.node, { [context] in context.shape($0) }) else {
      return context.setOutput(
        type: type, shape: q.count == 4 && v.count == 4 ? [q[0], q[1], q[2], v[3]] : nil)
    }
    let (count, groups) = (Size.known(sizes.heads), Size.known(sizes.groups))
    context.setOutput(
      0, type: type,
      shape: q.count == 4
        ? [q[0], count, q[2], .known(sizes.valueWidth)] : [q[0], q[1], .known(sizes.heads * sizes.valueWidth)])
    let own = k.count == 4 ? k[2] : k[1]
    var total: Size? = own
    if context.has(Input.pastKey) {
      total = context.shape(Input.pastKey).flatMap { $0.count == 4 ? $0[2].plus(own) : nil }
    }
    let keys = total ?? context.freshSize(output: 1, axis: 2)
    context.setOutput(1, type: type, shape: [q[0], groups, keys, .known(sizes.width)])
    context.setOutput(2, type: context.type(2), shape: [q[0], groups, keys, .known(sizes.valueWidth)])
    context.setOutput(3, type: type, shape: [q[0], count, q.count == 4 ? q[2] : q[1], keys])
  }

  // MARK: Axes

  public func relateAxes(_ context: inout AxisContext) {
    guard let q = context.input(0), let sizes = sizes(context.node, { [context] in context.shape($0) }),
      context.outputShape() != nil
    else { return context.fixInputs("its heads are not known") }
    AttentionHeads.fixBatch(&context, inputs: [0, 1, 2])
    let heads = AttentionHeads(&context, sizes)
    let queries = relateOperand(&context, 0, heads.heads, heads.width)
    var keys = relateOperand(&context, 1, heads.groups, heads.width)
    let (head, width) = relateOperand(&context, 2, heads.groups, heads.valueWidth)
    let past = heads.relateCache(&context, Input.pastKey, width: heads.width)
    let pastValues = heads.relateCache(&context, Input.pastValue, width: heads.valueWidth)
    keys = (keys.head && past, keys.width && past)
    heads.contract(&context, queries: queries.width, keys: keys.width)
    heads.relateBias(&context, Input.mask)
    if let lengths = context.input(Input.lengths) { context.fix(lengths, "it counts positions") }
    let batch = Axis(q[0].dimension, vanishes: false)
    let positions = Axis(q[q.count - 2].dimension, vanishes: false)
    let values = (head: head && pastValues, width: width && pastValues)
    if q.count == 4 {
      context.setOutput(
        0, [batch, Axis(heads.heads, vanishes: values.head), positions, Axis(heads.valueWidth, vanishes: values.width)])
    } else {
      context.setOutput(
        0, [batch, positions, Axis(heads.output(&context), vanishes: values.head && values.width)])
    }
    heads.setCache(&context, output: 1, batch: q[0], width: heads.width, vanishes: keys.head && keys.width)
    heads.setCache(&context, output: 2, batch: q[0], width: heads.valueWidth, vanishes: values.head && values.width)
    heads.setScores(&context, output: 3, batch: q[0])
    context.remember("queries", heads.queries(&context))
  }

  /// - Returns: whether the operand vanishes where a head is removed, and where a part of the width is.
  private func relateOperand(
    _ context: inout AxisContext, _ input: Int, _ heads: DimensionID, _ width: DimensionID
  ) -> (head: Bool, width: Bool) {
    guard let axes = context.input(input), axes.count > 2 else { return (false, false) }
    context.fix(axes[axes.count - 2], "positions attend to each other along it")
    if axes.count == 4 {
      context.unify(axes[1].dimension, heads)
      context.unify(axes[3].dimension, width)
      return (axes[1].vanishes, axes[3].vanishes)
    }
    context.unify(axes[2].dimension, context.dimensions.product([heads, width]))
    return (axes[2].vanishes, axes[2].vanishes)
  }

  // MARK: Cost and rewriting

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let q = context.shape(0), q.count > 2, let k = context.shape(1), k.count > 2,
      let queries = context.remembered("queries"), let output = context.outputDimensions()
    else { return [] }
    let keys = context.outputShape(1).flatMap { $0.count == 4 ? $0[2] : nil } ?? k[k.count - 2]
    return AttentionHeads.macs(
      queries: [queries], output: output.count == 4 ? [output[1], output[3]] : [output[2]], batch: q[0],
      positions: q[q.count - 2], keys: keys)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let sizes = sizes(context.node, { [context] in context.originalFacts($0).shape }) else { return }
    AttentionHeads.freezeScale(&context, width: sizes.width, zeroMeansDefault: false)
    context.adaptCount("q_num_heads", "heads")
    context.adaptCount("kv_num_heads", "groups")
  }
}
