import Dimensions
import IR

/// `MatMulNBits`: a product with a matrix of few bits, stored by columns as `[columns, blocks, bytes]` with a scale for
/// each block of rows. Columns are free, rows go in whole blocks.
///
/// A removed column or block is one whose scales are zero.
public struct MatMulNBits: Operator {
  public let names: [OperatorName] = [.microsoft("MatMulNBits")]

  public init() {}

  enum Input {
    static let weight = 1, scales = 2, zeroPoints = 3, order = 4, bias = 5
  }

  struct Layout {
    let columns: Int
    let rows: Int
    let block: Int
    let bits: Int
    var blocks: Int { (rows + block - 1) / block }

    init?(_ node: Node) {
      guard let columns = node.int("N"), let rows = node.int("K"), let block = node.int("block_size"),
        [columns, rows, block].allSatisfy({ $0 > 0 && $0 < 1 << 31 })
      else { return nil }
      let bits = node.int("bits", default: 4)
      guard bits > 0, bits <= 8 else { return nil }
      (self.columns, self.rows, self.block, self.bits) = (Int(columns), Int(rows), Int(block), Int(bits))
    }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let layout = Layout(context.node) else {
      throw OperatorError("its N, K, block_size or bits are out of range")
    }
    guard let x = context.shape(0), let width = x.last else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    if let width = width.known, width != layout.rows {
      throw OperatorError("its input is \(width) wide, K is \(layout.rows)")
    }
    context.setOutput(type: context.type(0), shape: x.dropLast() + [.known(layout.columns)])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let layout = Layout(context.node), context.node.int("weight_prepacked", default: 0) == 0,
      let x = context.input(0), let width = x.last, let w = context.input(Input.weight), w.count == 3,
      context.size(w[0]).known == layout.columns, context.size(w[1]).known == layout.blocks,
      let scales = context.input(Input.scales)
    else { return context.fixInputs("its matrix is packed in a way that is not understood") }
    context.fix(w[2], "several numbers share a byte")
    context.role(Input.weight, axis: 0, .producer)
    context.role(Input.weight, axis: 1, .consumer)
    let inner = context.fixedAxis(.known(layout.block), "it is scaled in blocks of \(layout.block)").dimension
    if layout.rows % layout.block == 0, !context.has(Input.order) {
      context.unify(width.dimension, context.dimensions.product([w[1].dimension, inner]))
    } else {
      context.fix([width, w[1]], "it is scaled in blocks that do not divide it")
    }
    relateScales(&context, scales, w)
    relateZeroPoints(&context, layout, w)
    let scaled = scales.allSatisfy(\.vanishes)
    context.sumOver(Axis(w[1].dimension, vanishes: width.vanishes || scaled), "a product sums over it")
    context.note(.denseInput, w[1])
    context.note(.denseOutput, w[0])
    context.remember("columns", w[0].dimension)
    context.remember("rows", width.dimension)
    var (vanishes, rowsVanish) = (scaled, true)
    if let bias = context.input(Input.bias), let last = bias.last {
      context.unify(last, w[0])
      context.role(Input.bias, axis: bias.count - 1, .producer)
      (vanishes, rowsVanish) = (vanishes && last.vanishes, false)
    }
    let rows = x.dropLast().map { Axis($0.dimension, vanishes: $0.vanishes && rowsVanish) }
    context.setOutput(rows + [Axis(w[0].dimension, vanishes: vanishes)])
  }

  /// `[columns, blocks]`, or the same in one axis.
  private func relateScales(_ context: inout AxisContext, _ scales: [Axis], _ w: [Axis]) {
    switch scales.count {
    case 2:
      context.unify(scales[0], w[0])
      context.unify(scales[1], w[1])
      for axis in 0..<2 { context.role(Input.scales, axis: axis, .rider) }
    case 1:
      context.unify(scales[0].dimension, context.dimensions.product([w[0].dimension, w[1].dimension]))
      context.role(Input.scales, axis: 0, .rider)
    default:
      context.fixInputs("its scales have an unexpected shape")
    }
  }

  /// `[columns, blocks]` of the input's type, or bytes that several blocks of a column share.
  private func relateZeroPoints(_ context: inout AxisContext, _ layout: Layout, _ w: [Axis]) {
    guard context.has(Input.zeroPoints) else { return }
    guard let points = context.input(Input.zeroPoints), (1...2).contains(points.count) else {
      return context.fixInputs("its zero points have an unknown shape")
    }
    var inner = w[1].dimension
    if context.facts(Input.zeroPoints).type?.isFloatingPoint != true, layout.bits < 8 {
      context.fix(w[1], "zero points of several blocks share a byte")
      let bytes = (layout.blocks * layout.bits + 7) / 8
      inner = context.fixedAxis(.known(bytes), "zero points of several blocks share a byte").dimension
    }
    if points.count == 2 {
      context.unify(points[0], w[0])
      context.unify(points[1].dimension, inner)
    } else {
      context.unify(points[0].dimension, context.dimensions.product([w[0].dimension, inner]))
    }
    for axis in points.indices { context.role(Input.zeroPoints, axis: axis, .rider) }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let k = context.dimensions(0)?.last else { return [] }
    return [MACTerm(axes: output + [k])]
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    context.adaptCount("N", "columns")
    context.adaptCount("K", "rows")
  }
}
