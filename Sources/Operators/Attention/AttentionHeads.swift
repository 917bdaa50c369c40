import Dimensions
import IR

/// The dimensions of an attention: query heads are groups of keys and values times repeats, and all heads of a kind
/// have one width.
///
/// Removing a head is exact where its values vanish; removing from the width of queries and keys is exact where either
/// vanishes, since the width is only summed over (the division by its root keeps its first value, see
/// ``freezeScale(_:_:)``).
struct AttentionHeads {
  /// Heads of keys and values.
  let groups: DimensionID
  /// Heads of queries: groups times repeats.
  let heads: DimensionID
  let width: DimensionID
  let valueWidth: DimensionID

  /// Which part of a head's width may go.
  enum Width {
    case any
    /// Whole blocks, which the kernel takes a width in multiples of.
    case blocks(of: Int)
    /// All but the leading part that is rotated, whose two halves belong together.
    case rotated(Int)
  }

  /// Makes the dimensions, and remembers them for cost and rewriting under `heads`, `groups`, `width`, `valueWidth`.
  init(_ context: inout AxisContext, _ sizes: HeadSizes, width kind: Width = .any, sharesWidth: Bool = false) {
    groups = context.dimensions.make(.known(sizes.groups))
    let repeats = context.dimensions.make(.known(sizes.repeats))
    heads = context.dimensions.product([groups, repeats])
    width = Self.width(&context, sizes.width, kind)
    valueWidth =
      sharesWidth && sizes.valueWidth == sizes.width
      ? width : Self.width(&context, sizes.valueWidth, Self.ofValues(kind))
    context.note(.attentionBatch, Axis(heads, vanishes: true))
    if sizes.repeats > 1 { context.note(.repeatedHeads, Axis(repeats, vanishes: true)) }
    context.note(.attentionContraction, Axis(width, vanishes: true))
    context.note(.attentionValueWidth, Axis(valueWidth, vanishes: true))
    for (key, dimension) in [("heads", heads), ("groups", groups), ("width", width), ("valueWidth", valueWidth)] {
      context.remember(key, dimension)
    }
  }

  /// Values are not rotated, but take the same blocks.
  private static func ofValues(_ kind: Width) -> Width { if case .rotated = kind { .any } else { kind } }

  static func width(_ context: inout AxisContext, _ size: Int, _ kind: Width) -> DimensionID {
    switch kind {
    case .any:
      return context.dimensions.make(.known(size))
    case .blocks(let block):
      let reason = "\(context.node.opType) takes heads whose width is a multiple of \(block)"
      guard size > block, size % block == 0 else { return context.fixedAxis(.known(size), reason).dimension }
      let blocks = context.dimensions.make(.known(size / block))
      return context.dimensions.product([blocks, context.fixedAxis(.known(block), reason).dimension])
    case .rotated(let rotated):
      let part = min(rotated, size)
      let fixed = context.fixedAxis(.known(part), "the halves of a head are rotated together").dimension
      return context.dimensions.sum([fixed, context.dimensions.make(.known(size - part))])
    }
  }

  // MARK: Axes with heads side by side

  func queries(_ context: inout AxisContext) -> DimensionID { context.dimensions.product([heads, width]) }
  func keys(_ context: inout AxisContext) -> DimensionID { context.dimensions.product([groups, width]) }
  func values(_ context: inout AxisContext) -> DimensionID { context.dimensions.product([groups, valueWidth]) }
  func output(_ context: inout AxisContext) -> DimensionID { context.dimensions.product([heads, valueWidth]) }

  /// Queries, keys and values on one axis, one after the other.
  func packed(_ context: inout AxisContext) -> DimensionID {
    let parts = [queries(&context), keys(&context), values(&context)]
    return context.dimensions.sum(parts)
  }

  // MARK: Relations

  /// The samples of a batch are the same ones in every operand; nobody prunes them.
  static func fixBatch(_ context: inout AxisContext, inputs: [Int]) {
    for input in inputs {
      if let axes = context.input(input), let batch = axes.first { context.fix(batch, "it counts samples") }
    }
  }

  /// The product of queries and keys sums over their width.
  func contract(_ context: inout AxisContext, queries: Bool, keys: Bool) {
    context.sumOver(
      Axis(width, vanishes: queries || keys), "\(context.node.opType) multiplies queries and keys along it")
  }

  /// What is added to the scores, `[batch, heads, queries, keys]` or fewer axes: it may differ from head to head.
  func relateBias(_ context: inout AxisContext, _ input: Int) {
    guard context.has(input) else { return }
    guard let axes = context.input(input), axes.count <= 4 else {
      return context.fixInputs("what is added to its scores has an unknown rank")
    }
    for (index, axis) in axes.enumerated() where !context.size(axis).isOne {
      if index + 4 - axes.count == 1 {
        context.unify(axis.dimension, heads)
        if context.isWeight(input) { context.role(input, axis: index, .rider) }
      } else {
        context.fix(axis, "positions attend to each other along it")
      }
    }
  }

  /// A cache of keys or values, `[batch, groups, positions, width]`, as an input.
  /// - Returns: whether it vanishes where a head or a part of its width is removed; true where there is none.
  func relateCache(_ context: inout AxisContext, _ input: Int, width: DimensionID) -> Bool {
    guard context.has(input) else { return true }
    guard let axes = context.input(input), axes.count == 4 else {
      context.fixInputs("a cache of an unexpected rank")
      return false
    }
    context.fix(axes[0], "it counts samples")
    context.unify(axes[1].dimension, groups)
    context.fix(axes[2], "it counts positions")
    context.unify(axes[3].dimension, width)
    return axes[1].vanishes && axes[3].vanishes
  }

  /// A cache of keys or values as an output.
  func setCache(_ context: inout AxisContext, output: Int, batch: Axis, width: DimensionID, vanishes: Bool) {
    guard let shape = context.outputShape(output), shape.count == 4 else { return }
    context.setOutput(
      output,
      [
        Axis(batch.dimension, vanishes: false), Axis(groups, vanishes: vanishes),
        context.fixedAxis(shape[2], "it counts positions"), Axis(width, vanishes: vanishes),
      ])
  }

  /// Scores as an output, `[batch, heads, queries, keys]`.
  func setScores(_ context: inout AxisContext, output: Int, batch: Axis) {
    guard let shape = context.outputShape(output), shape.count == 4 else { return }
    let positions = shape[2...].map { context.fixedAxis($0, "positions attend to each other along it") }
    context.setOutput(
      output, [Axis(batch.dimension, vanishes: false), Axis(heads, vanishes: false)] + positions)
  }

  // MARK: Rewriting

  /// Where the width of heads shrinks, the default scale of 1/√width would change what survives: it is written down
  /// with the width the model was trained with.
  /// - Parameter zeroMeansDefault: contrib operators take a scale of zero for one that is left out.
  static func freezeScale(_ context: inout RewriteContext, width: Int, zeroMeansDefault: Bool = true) {
    guard let kept = context.remembered("width")?.known, kept != width else { return }
    if let scale = context.node.float("scale"), scale != 0 || !zeroMeansDefault { return }
    context.node.setAttribute("scale", .float(1 / Float(width).squareRoot()))
  }

  // MARK: Cost

  /// Scores and their products with values, for axes that hold all heads' widths.
  static func macs(
    queries: [DimensionID], output: [DimensionID], batch: Size, positions: Size, keys: Size
  ) -> [MACTerm] {
    [queries, output].map { MACTerm(axes: $0, sizes: [batch, positions, keys]) }
  }
}
