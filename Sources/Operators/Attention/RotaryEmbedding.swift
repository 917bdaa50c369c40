import Dimensions
import IR

/// `RotaryEmbedding`, standard and contrib: rotates pairs of numbers within each head. Heads are free; of a head's
/// width only what is not rotated is.
public struct RotaryEmbedding: Operator {
  public let names = [OperatorName("RotaryEmbedding"), .microsoft("RotaryEmbedding")]

  public init() {}

  /// The caches, and what positions are looked up by: their order differs between the two operators.
  private func caches(_ node: Node) -> [Int] { node.canonicalDomain.isEmpty ? [1, 2] : [2, 3] }
  private func positions(_ node: Node) -> Int { node.canonicalDomain.isEmpty ? 3 : 1 }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    if let shape = context.shape(0) {
      guard shape.count == 3 || shape.count == 4 else {
        throw OperatorError("its input has \(shape.count) axes, expected 3 or 4")
      }
      if shape.count == 3, let heads = context.node.int("num_heads"), heads > 0 {
        try HeadSizes.check(shape[2], heads: Int(clamping: heads), "heads")
      }
    }
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  /// The width of a head, and how much of it is rotated.
  private func width(_ node: Node, _ shape: (Int) -> [Size]?) -> (whole: Int, rotated: Int)? {
    guard let x = shape(0) else { return nil }
    let rotated = node.int("rotary_embedding_dim", default: 0)
    let cached = shape(caches(node)[0])?.last?.known.flatMap { $0 < 1 << 31 ? 2 * $0 : nil }
    var whole: Int?
    if x.count == 4 {
      whole = x[3].known
    } else if rotated == 0, !node.canonicalDomain.isEmpty {
      // The contrib operator then takes the width from its caches, whatever the number of heads says.
      whole = cached
    } else if let heads = node.int("num_heads"), heads > 0, heads < 1 << 31 {
      whole = HeadSizes.width(of: x.last, heads: Int(heads))
    }
    guard let whole, whole > 0 else { return nil }
    return (whole, rotated > 0 ? Int(clamping: rotated) : whole)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), let width = width(context.node, { [context] in context.shape($0) }),
      let last = axes.last, let size = context.size(last).known, size % width.whole == 0
    else { return context.fixInputs("its heads are not known") }
    for input in caches(context.node) {
      if let cache = context.input(input) { context.fix(cache, "rotations are looked up in it") }
    }
    if let indices = context.input(positions(context.node)) { context.fix(indices, "it counts positions") }
    AttentionHeads.fixBatch(&context, inputs: [0])
    context.fix(axes[axes.count - 2], "the rotation depends on the position")
    let rotated = AttentionHeads.width(&context, width.whole, .rotated(width.rotated))
    if axes.count == 4 {
      context.unify(last.dimension, rotated)
    } else {
      let heads = context.dimensions.make(.known(size / width.whole))
      context.remember("heads", heads)
      context.unify(last.dimension, context.dimensions.product([heads, rotated]))
    }
    context.setOutput(axes)
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    context.adaptCount("num_heads", "heads")
  }
}
