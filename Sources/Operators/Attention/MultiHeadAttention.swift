import Dimensions
import IR

/// The contrib `MultiHeadAttention` and `DecoderMaskedMultiHeadAttention`: queries, keys and values projected before,
/// apart or packed together.
public struct MultiHeadAttention: Operator {
  public let names: [OperatorName] = [
    .microsoft("MultiHeadAttention"), .microsoft("DecoderMaskedMultiHeadAttention"),
  ]

  public init() {}

  /// Where the two operators keep what they share.
  private struct Layout {
    let bias: Int
    let attentionBias: Int
    /// Masks, lengths and beams.
    let positions: [Int]
    let pastKey: Int
    let pastValue: Int
    let pastLength: Int

    init(_ node: Node) {
      if node.opType == "MultiHeadAttention" {
        (bias, attentionBias, positions) = (3, 5, [4, 8, 9])
        (pastKey, pastValue, pastLength) = (6, 7, 8)
      } else {
        (bias, attentionBias, positions) = (10, 4, [3, 7, 8, 9])
        (pastKey, pastValue, pastLength) = (5, 6, 7)
      }
    }
  }

  /// How queries, keys and values come.
  private enum Form {
    /// All on the last axis of the query, one after the other.
    case joined
    /// `[batch, positions, heads, 3, width]`.
    case packed
    /// Keys and values as `[batch, positions, heads, 2, width]`.
    case packedKeys
    case separate
  }

  private func form(_ rank: (Int) -> Int?) -> Form? {
    switch (rank(0), rank(1), rank(2)) {
    case (3, nil, nil): .joined
    case (5, nil, nil): .packed
    case (3, 5, nil): .packedKeys
    case (3, 3, 3), (3, 4, 4), (3, 3, 4), (3, 4, 3): .separate
    default: nil
    }
  }

  private func sizes(_ node: Node, _ shape: (Int) -> [Size]?) -> (form: Form, sizes: HeadSizes)? {
    guard let heads = try? HeadSizes.count(node, "num_heads"), let query = shape(0),
      let form = form({ node.input($0) == nil ? nil : shape($0)?.count ?? 0 })
    else { return nil }
    var width = HeadSizes.width(of: query.last, heads: heads)
    var valueWidth = width
    switch form {
    case .joined:
      width = HeadSizes.width(of: query.last, heads: 3 * heads)
      valueWidth = width
    case .packed:
      width = query[2].known == heads ? query.last?.known : nil
      valueWidth = width
    case .packedKeys:
      break
    case .separate:
      let value = shape(2) ?? []
      valueWidth = value.count == 4 ? value.last?.known : HeadSizes.width(of: value.last, heads: heads)
    }
    return HeadSizes(heads: heads, groups: heads, width: width, valueWidth: valueWidth).map { (form, $0) }
  }

  public func sizeInputs(_ node: Node) -> Set<Int> { [Layout(node).pastLength] }

  // MARK: Shapes

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(0)
    let heads = try HeadSizes.count(context.node, "num_heads")
    guard let query = context.shape(0) else { return context.setOutput(type: type, shape: nil) }
    guard query.count == 3 || query.count == 5 else {
      throw OperatorError("its query has \(query.count) axes, expected 3 or 5")
    }
    for (input, name) in [(0, "queries"), (1, "keys"), (2, "values")] {
      guard let shape = context.shape(input), shape.count == 3 else { continue }
      try HeadSizes.check(shape[2], heads: heads, name)
    }
    guard let (form, sizes) = sizes(context.node, { [context] in context.shape($0) }) else {
      return context.setOutput(type: type, shape: [query[0], query[1], context.freshSize(axis: 2)])
    }
    context.setOutput(0, type: type, shape: [query[0], query[1], .known(heads * sizes.valueWidth)])
    let total = totalLength(&context, form)
    context.setOutput(1, type: type, shape: [query[0], .known(heads), total, .known(sizes.width)])
    context.setOutput(2, type: type, shape: [query[0], .known(heads), total, .known(sizes.valueWidth)])
    context.setOutput(3, type: type, shape: [query[0], .known(heads), query[1], total])
  }

  private func totalLength(_ context: inout ShapeContext, _ form: Form) -> Size {
    let fresh = context.freshSize(output: 1, axis: 2)
    let source = context.shape(form == .joined || form == .packed ? 0 : 1)
    guard let source, source.count > 2 else { return fresh }
    let own = source.count == 4 ? source[2] : source[1]
    let past = Layout(context.node).pastKey
    guard context.has(past) else { return own }
    // With a shared buffer the cache is as long as it will ever be.
    guard !context.has(Layout(context.node).pastLength), let before = context.shape(past), before.count == 4 else {
      return fresh
    }
    return before[2].plus(own) ?? fresh
  }

  // MARK: Axes

  public func relateAxes(_ context: inout AxisContext) {
    let layout = Layout(context.node)
    guard let query = context.input(0), let (form, sizes) = sizes(context.node, { [context] in context.shape($0) }),
      context.outputShape() != nil
    else { return context.fixInputs("its heads are not known") }
    // A cache holds keys and values of one width in most versions of the runtime.
    let hasCache = context.has(layout.pastKey) || context.has(layout.pastValue)
    let heads = AttentionHeads(&context, sizes, sharesWidth: hasCache || form == .packed || form == .packedKeys)
    AttentionHeads.fixBatch(&context, inputs: [0, 1, 2])
    context.fix(query[1], "positions attend to each other along it")
    var (queries, keys, values) = relateOperands(&context, form, query, heads)
    if context.has(layout.bias) {
      guard let bias = context.input(layout.bias), bias.count == 1 else {
        return context.fixInputs("its bias has an unknown shape")
      }
      context.unify(bias[0].dimension, heads.packed(&context))
      context.role(layout.bias, axis: 0, .producer)
      (queries, keys, values) = (queries && bias[0].vanishes, keys && bias[0].vanishes, values && bias[0].vanishes)
    }
    for input in layout.positions {
      if let axes = context.input(input) { context.fix(axes, "it masks positions") }
    }
    heads.relateBias(&context, layout.attentionBias)
    let pastKeys = heads.relateCache(&context, layout.pastKey, width: heads.width)
    let pastValues = heads.relateCache(&context, layout.pastValue, width: heads.valueWidth)
    (keys, values) = (keys && pastKeys, values && pastValues)
    heads.contract(&context, queries: queries, keys: keys)
    context.setOutput(
      0,
      [
        Axis(query[0].dimension, vanishes: false), Axis(query[1].dimension, vanishes: false),
        Axis(heads.output(&context), vanishes: values),
      ])
    heads.setCache(&context, output: 1, batch: query[0], width: heads.width, vanishes: keys)
    heads.setCache(&context, output: 2, batch: query[0], width: heads.valueWidth, vanishes: values)
    heads.setScores(&context, output: 3, batch: query[0])
    context.remember("queries", heads.queries(&context))
  }

  /// - Returns: whether queries, keys and values vanish where a head or a part of its width is removed.
  private func relateOperands(
    _ context: inout AxisContext, _ form: Form, _ query: [Axis], _ heads: AttentionHeads
  ) -> (queries: Bool, keys: Bool, values: Bool) {
    switch form {
    case .joined:
      context.unify(query[2].dimension, heads.packed(&context))
      return (query[2].vanishes, query[2].vanishes, query[2].vanishes)
    case .packed:
      let vanishes = relateStack(&context, query, heads)
      return (vanishes, vanishes, vanishes)
    case .packedKeys:
      context.unify(query[2].dimension, heads.queries(&context))
      let vanishes = context.input(1).map { relateStack(&context, $0, heads) } ?? false
      return (query[2].vanishes, vanishes, vanishes)
    case .separate:
      context.unify(query[2].dimension, heads.queries(&context))
      let keys = relateOperand(&context, 1, heads, width: heads.width)
      let values = relateOperand(&context, 2, heads, width: heads.valueWidth)
      return (query[2].vanishes, keys, values)
    }
  }

  /// `[batch, positions, heads, 2 or 3, width]`.
  private func relateStack(_ context: inout AxisContext, _ axes: [Axis], _ heads: AttentionHeads) -> Bool {
    context.fix([axes[1], axes[3]], "keys and values are stacked along it")
    context.unify(axes[2].dimension, heads.groups)
    context.unify(axes[4].dimension, heads.width)
    return axes[2].vanishes && axes[4].vanishes
  }

  /// Keys or values: `[batch, positions, heads ⊗ width]` or `[batch, heads, positions, width]`.
  private func relateOperand(
    _ context: inout AxisContext, _ input: Int, _ heads: AttentionHeads, width: DimensionID
  ) -> Bool {
    guard let axes = context.input(input) else { return false }
    if axes.count == 4 { return heads.relateCache(&context, input, width: width) }
    context.fix(axes[1], "positions attend to each other along it")
    context.unify(axes[2].dimension, context.dimensions.product([heads.groups, width]))
    return axes[2].vanishes
  }

  // MARK: Cost and rewriting

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let query = context.shape(0), query.count > 2, let queries = context.remembered("queries"),
      let output = context.outputDimensions(), output.count == 3
    else { return [] }
    let key = context.shape(1)
    let own = key.flatMap { $0.count == 4 ? $0[2] : $0.count > 2 ? $0[1] : nil } ?? query[1]
    let keys = context.outputShape(1).flatMap { $0.count == 4 ? $0[2] : nil } ?? own
    return AttentionHeads.macs(
      queries: [queries], output: [output[2]], batch: query[0], positions: query[1], keys: keys)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let (_, sizes) = sizes(context.node, { [context] in context.originalFacts($0).shape }) else { return }
    AttentionHeads.freezeScale(&context, width: sizes.width)
    context.adaptCount("num_heads", "heads")
  }
}
