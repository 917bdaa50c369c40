import Dimensions
import IR

/// `LayerNormalization`, `RMSNormalization` and their contrib spellings: normalize over the last axes.
public struct LayerNormalization: Operator {
  public let names = [
    OperatorName("LayerNormalization"), OperatorName("RMSNormalization"),
    OperatorName("SimplifiedLayerNormalization"), .microsoft("LayerNormalization"),
    .microsoft("SimplifiedLayerNormalization"),
  ]

  public init() {}

  /// The first of the axes it normalizes over.
  private func first(_ node: Node, rank: Int) -> Int? {
    let axis = Int(node.int("axis", default: -1))
    let index = axis < 0 ? axis + rank : axis
    return index >= 0 && index < rank ? index : nil
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let first = first(context.node, rank: shape.count) else {
      throw OperatorError("axis \(context.node.int("axis", default: -1)) is outside a tensor of \(shape.count) axes")
    }
    try Self.checkScales(context, 1..<3, width: shape.last)
    context.setOutput(0, type: context.type(0), shape: shape)
    let statistics = shape[..<first] + shape[first...].map { _ in Size.known(1) }
    let type = context.node.int("stash_type").flatMap { DataType(rawValue: Int32(truncatingIfNeeded: $0)) } ?? .float
    for output in 1..<3 { context.setOutput(output, type: type, shape: Array(statistics)) }
  }

  static func checkScales(_ context: ShapeContext, _ inputs: Range<Int>, width: Size?) throws(OperatorError) {
    guard let width = width?.known else { return }
    for input in inputs {
      if let size = context.shape(input)?.last?.known, size != 1, size != width {
        throw OperatorError("input \(input) has \(size) elements along its last axis, expected \(width)")
      }
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0), let first = first(context.node, rank: axes.count) else {
      return context.fixInputs("its input has an unknown rank")
    }
    Self.relate(&context, axes, first: first, scale: 1, shift: context.node.opType == "LayerNormalization" ? 2 : nil)
  }

  /// Relates what is normalized (which need not be the node's input) to scale, shift and the first three outputs.
  static func relate(_ context: inout AxisContext, _ axes: [Axis], first: Int, scale: Int, shift: Int?) {
    for axis in axes[first...] {
      context.approximate(axis, "\(context.node.opType) averages over it")
      context.note(.normalizedWidth, axis)
    }
    let hasShift = shift.map { context.has($0) } ?? false
    let scaled = relateVector(&context, axes, scale)
    let shifted = shift.map { relateVector(&context, axes, $0) }
    let hasEpsilon = context.node.float("epsilon") ?? 1e-5 > 0
    var output = axes
    for index in axes.indices {
      // Zeros over all of the normalized axes stay zero; among others they are moved by the mean.
      let stays = index < first && axes[index].vanishes && hasEpsilon
      output[index].vanishes = (stays || scaled[index]) && (!hasShift || (shifted?[index] ?? false))
    }
    context.setOutput(0, output)
    for statistic in 1..<3 {
      let leading = axes[..<first].map { Axis($0.dimension, vanishes: false) }
      context.setOutput(
        statistic, leading + axes[first...].map { _ in context.fixedAxis(.known(1), "its size is one") })
    }
  }

  /// Unifies a scale or shift with the trailing axes.
  /// - Returns: for each axis, whether it blanks what is removed there.
  private static func relateVector(_ context: inout AxisContext, _ axes: [Axis], _ input: Int) -> [Bool] {
    var blanks = [Bool](repeating: false, count: axes.count)
    guard context.has(input) else { return blanks }
    guard let values = context.input(input), values.count <= axes.count else {
      context.fixInputs("its scale has an unknown shape")
      return blanks
    }
    for (offset, value) in values.enumerated() where !context.size(value).isOne {
      let index = axes.count - values.count + offset
      context.unify(axes[index], value)
      context.role(input, axis: offset, .rider)
      blanks[index] = value.vanishes
    }
    return blanks
  }
}
