import Dimensions
import IR

/// The contrib `GroupQueryAttention`: several query heads share a head of keys and values; queries and keys may be
/// rotated inside.
public struct GroupQueryAttention: Operator {
  public let names: [OperatorName] = [.microsoft("GroupQueryAttention")]

  public init() {}

  /// ONNX Runtime refuses heads whose width is no multiple of this.
  private static let widthStep = 8

  private enum Input {
    static let pastKey = 3, pastValue = 4, totalLength = 6, cosines = 7, sines = 8, attentionBias = 10, sink = 11
    /// Lengths and positions.
    static let positions = [5, 6, 9, 16]
    static let cacheScales = [12, 13]
    static let normalizations = [14, 15]
  }

  public func sizeInputs(_ node: Node) -> Set<Int> { [5, 6, 16] }

  private func sizes(_ node: Node, _ shape: (Int) -> [Size]?) -> HeadSizes? {
    guard let heads = try? HeadSizes.count(node, "num_heads"),
      let groups = try? HeadSizes.count(node, "kv_num_heads"), let query = shape(0), query.count == 3
    else { return nil }
    let width = HeadSizes.width(of: query[2], heads: node.input(1) == nil ? heads + 2 * groups : heads)
    return HeadSizes(heads: heads, groups: groups, width: width, valueWidth: width)
  }

  // MARK: Shapes

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(0)
    let heads = try HeadSizes.count(context.node, "num_heads")
    let groups = try HeadSizes.count(context.node, "kv_num_heads")
    guard heads % groups == 0 else { throw OperatorError("it has \(heads) heads for \(groups) of keys and values") }
    guard let query = context.shape(0) else { return context.setOutput(type: type, shape: nil) }
    guard query.count == 3 else { throw OperatorError("its query has \(query.count) axes, expected 3") }
    try HeadSizes.check(query[2], heads: context.has(1) ? heads : heads + 2 * groups, "queries")
    for (input, name) in [(1, "keys"), (2, "values")] {
      try HeadSizes.check(context.shape(input)?.last, heads: groups, name)
    }
    guard let sizes = sizes(context.node, { [context] in context.shape($0) }) else {
      return context.setOutput(type: type, shape: [query[0], query[1], context.freshSize(axis: 2)])
    }
    context.setOutput(0, type: type, shape: [query[0], query[1], .known(heads * sizes.width)])
    let total = presentLength(&context)
    for output in 1..<3 {
      context.setOutput(output, type: type, shape: [query[0], .known(groups), total, .known(sizes.width)])
    }
    context.setOutput(3, type: type, shape: [query[0], .known(heads), query[1], total])
  }

  /// The cache after: as long as before, or as its longest sample.
  private func presentLength(_ context: inout ShapeContext) -> Size {
    guard case .int(.known(let total))? = context.contents(Input.totalLength)?.first else {
      return context.freshSize(output: 1, axis: 2)
    }
    guard context.has(Input.pastKey) else { return .known(total) }
    guard let past = context.shape(Input.pastKey), past.count == 4, let before = past[2].known else {
      return context.freshSize(output: 1, axis: 2)
    }
    return .known(max(before, total))
  }

  // MARK: Axes

  public func relateAxes(_ context: inout AxisContext) {
    guard let query = context.input(0), let sizes = sizes(context.node, { [context] in context.shape($0) }),
      context.outputShape() != nil, context.has(1) == context.has(2)
    else { return context.fixInputs("its heads are not known") }
    // Queries, keys and values share one width; where they are rotated none of it may go.
    let isRotated = context.node.int("do_rotary", default: 0) != 0
    let heads = AttentionHeads(
      &context, sizes, width: isRotated ? .rotated(sizes.width) : .blocks(of: Self.widthStep), sharesWidth: true)
    AttentionHeads.fixBatch(&context, inputs: [0, 1, 2])
    context.fix(query[1], "positions attend to each other along it")
    var (keys, values) = (query[2].vanishes, query[2].vanishes)
    if context.has(1) {
      context.unify(query[2].dimension, heads.queries(&context))
      guard let k = context.input(1), let v = context.input(2), k.count == 3, v.count == 3 else {
        return context.fixInputs("its keys or values have an unknown rank")
      }
      for axes in [k, v] {
        context.fix(axes[1], "positions attend to each other along it")
        context.unify(axes[2].dimension, heads.keys(&context))
      }
      (keys, values) = (k[2].vanishes, v[2].vanishes)
    } else {
      context.unify(query[2].dimension, heads.packed(&context))
    }
    relateRest(&context, heads)
    keys = heads.relateCache(&context, Input.pastKey, width: heads.width) && keys
    values = heads.relateCache(&context, Input.pastValue, width: heads.width) && values
    heads.contract(&context, queries: query[2].vanishes, keys: keys)
    context.remember("queries", heads.queries(&context))
    context.setOutput(
      0,
      [
        Axis(query[0].dimension, vanishes: false), Axis(query[1].dimension, vanishes: false),
        Axis(heads.output(&context), vanishes: values),
      ])
    heads.setCache(&context, output: 1, batch: query[0], width: heads.width, vanishes: keys)
    heads.setCache(&context, output: 2, batch: query[0], width: heads.width, vanishes: values)
    heads.setScores(&context, output: 3, batch: query[0])
  }

  private func relateRest(_ context: inout AxisContext, _ heads: AttentionHeads) {
    for input in Input.positions {
      if let axes = context.input(input) { context.fix(axes, "it counts positions") }
    }
    for input in [Input.cosines, Input.sines] {
      if let axes = context.input(input) { context.fix(axes, "rotations are looked up in it") }
    }
    heads.relateBias(&context, Input.attentionBias)
    if let sink = context.input(Input.sink), let axis = sink.last {
      context.unify(axis.dimension, heads.heads)
      context.role(Input.sink, axis: sink.count - 1, .rider)
    }
    for input in Input.normalizations where context.has(input) {
      guard let scale = context.input(input)?.last else { continue }
      context.unify(scale.dimension, heads.width)
      context.role(input, axis: 0, .rider)
      context.approximate(Axis(heads.width, vanishes: true), "GroupQueryAttention averages over it")
    }
    for input in Input.cacheScales where context.has(input) {
      if let axes = context.input(input) { context.fix(axes, "the cache is quantized") }
      for dimension in [heads.groups, heads.width] {
        context.fix(Axis(dimension, vanishes: true), "the cache is quantized")
      }
    }
  }

  // MARK: Cost and rewriting

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let query = context.shape(0), query.count == 3, let queries = context.remembered("queries"),
      let output = context.outputDimensions(), output.count == 3
    else { return [] }
    let own = context.shape(1).flatMap { $0.count == 3 ? $0[1] : nil } ?? query[1]
    let past = context.shape(Input.pastKey).flatMap { $0.count == 4 ? $0[2] : nil }
    let keys = past.flatMap { $0.plus(own) } ?? own
    return AttentionHeads.macs(
      queries: [queries], output: [output[2]], batch: query[0], positions: query[1], keys: keys)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let sizes = sizes(context.node, { [context] in context.originalFacts($0).shape }) else { return }
    AttentionHeads.freezeScale(&context, width: sizes.width)
    context.adaptCount("num_heads", "heads")
    context.adaptCount("kv_num_heads", "groups")
  }
}
