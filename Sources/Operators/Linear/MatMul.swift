import Dimensions
import IR

/// `MatMul`: contracts the last axis of the first operand with the last but one of the second.
public struct MatMul: Operator {
  public let names = [OperatorName("MatMul")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try Self.outputShape(&context, context.shape(0), context.shape(1))
    context.setOutput(type: context.type(0), shape: shape)
  }

  static func outputShape(_ context: inout ShapeContext, _ a: [Size]?, _ b: [Size]?) throws(OperatorError) -> [Size]? {
    guard let a, let b else { return nil }
    guard let inner = a.last, !b.isEmpty else { throw OperatorError("an operand is a scalar") }
    let other = b.count > 1 ? b[b.count - 2] : b[0]
    if let x = inner.known, let y = other.known, x != y {
      throw OperatorError("the contracted axes have \(x) and \(y) elements")
    }
    let batch = try context.broadcast([Array(a.dropLast(2)), Array(b.dropLast(2))]) ?? []
    return batch + (a.count > 1 ? [a[a.count - 2]] : []) + (b.count > 1 ? [b[b.count - 1]] : [])
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), let w = context.input(1) else {
      return context.fixInputs("an operand has an unknown rank")
    }
    Self.relate(&context, x, w, constants: (context.isWeight(0), context.isWeight(1)))
    Self.noteRoles(&context, ranks: (x.count, w.count), transposed: (false, false))
  }

  /// Relates the axes of a matrix product whose operands are already laid out as `[…, m, k]` and `[…, k, n]`.
  static func relate(_ context: inout AxisContext, _ x: [Axis], _ w: [Axis], constants: (Bool, Bool)) {
    guard let k = x.last, !w.isEmpty else { return context.fixInputs("an operand is a scalar") }
    let other = w.count > 1 ? w[w.count - 2] : w[0]
    context.unify(k, other)
    context.sumOver(Axis(k.dimension, vanishes: k.vanishes || other.vanishes), "a product sums over it")
    var axes: [Axis] = []
    let (left, right) = (Array(x.dropLast(2)), Array(w.dropLast(2)))
    if let shape = context.outputShape() {
      let rank = max(left.count, right.count)
      guard shape.count >= rank else { return context.fixInputs("its output has an unexpected rank") }
      axes = context.broadcast([left, right], shape: Array(shape.prefix(rank))) { $0.contains(true) }
    }
    // A product with one operand zero is zero: rows removed from x, columns removed from w, batches of either.
    if x.count > 1 { axes.append(x[x.count - 2]) }
    if w.count > 1 { axes.append(w[w.count - 1]) }
    noteEvidence(&context, x, w, constants: constants, batch: axes.dropLast(2))
    context.setOutput(axes)
  }

  private static func noteEvidence(
    _ context: inout AxisContext, _ x: [Axis], _ w: [Axis], constants: (Bool, Bool), batch: ArraySlice<Axis>
  ) {
    guard let k = x.last else { return }
    switch constants {
    case (false, false):
      for axis in batch { context.note(.attentionBatch, axis) }
      context.note(.attentionContraction, k)
      if let last = w.last { context.note(.attentionValueWidth, last) }
    case (false, true):
      context.note(.denseInput, k)
      if let last = w.last, w.count > 1 { context.note(.denseOutput, last) }
      for axis in w.dropLast(2) { context.note(.expert, axis) }
    case (true, false):
      context.note(.denseInput, k)
      if x.count > 1 { context.note(.denseOutput, x[x.count - 2]) }
    case (true, true): break
    }
  }

  static func noteRoles(_ context: inout AxisContext, ranks: (Int, Int), transposed: (Bool, Bool)) {
    if ranks.0 > 1, context.isWeight(0) {
      let last = ranks.0 - 1
      context.role(0, axis: transposed.0 ? last - 1 : last, .consumer)
      context.role(0, axis: transposed.0 ? last : last - 1, .producer)
    }
    if ranks.1 > 1, context.isWeight(1) {
      let last = ranks.1 - 1
      context.role(1, axis: transposed.1 ? last : last - 1, .consumer)
      context.role(1, axis: transposed.1 ? last - 1 : last, .producer)
    }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let output = context.outputDimensions(), let k = context.dimensions(0)?.last else { return [] }
    return [MACTerm(axes: output + [k])]
  }
}
