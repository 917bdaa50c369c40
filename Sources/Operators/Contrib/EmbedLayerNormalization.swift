import Dimensions
import IR

/// `EmbedLayerNormalization` and its quantized form: the sum of word, position and segment embeddings, normalized.
public struct EmbedLayerNormalization: Operator {
  public let names: [OperatorName] = [
    .microsoft("EmbedLayerNormalization"), .microsoft("QEmbedLayerNormalization"),
  ]

  public init() {}

  /// Word, position and segment tables; the last may be left out.
  private static let tables = 2..<5
  /// Scales, then zero points, of the tables, of scale and shift; one number each.
  private static let quantization = 8..<18

  private func isQuantized(_ node: Node) -> Bool { node.opType == "QEmbedLayerNormalization" }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = context.type(isQuantized(context.node) ? Self.quantization.lowerBound : 2)
    context.setOutput(1, type: .int32, shape: context.shape(0).map { Array($0.prefix(1)) })
    guard let ids = context.shape(0), let width = context.shape(2)?.last else {
      for output in [0, 2] { context.setOutput(output, type: type, shape: nil) }
      return
    }
    for input in Self.tables {
      guard let table = context.shape(input) else { continue }
      guard table.count == 2 else { throw OperatorError("input \(input) has \(table.count) axes, expected 2") }
      if let found = table[1].known, let expected = width.known, found != expected {
        throw OperatorError("input \(input) is \(found) wide, expected \(expected)")
      }
    }
    try LayerNormalization.checkScales(context, 5..<7, width: width)
    for output in [0, 2] { context.setOutput(output, type: type, shape: ids + [width]) }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let ids = context.input(0), let word = context.input(2), word.count == 2 else {
      return context.fixInputs("its operands have unknown ranks")
    }
    if isQuantized(context.node) { context.relateScales(Self.quantization) }
    for input in isQuantized(context.node) ? [0, 1, 7] : [0, 1, 7, 8] {
      if let axes = context.input(input) { context.fix(axes, "it indexes tables") }
    }
    var vanishes = true
    for input in Self.tables where context.has(input) {
      guard let table = context.input(input), table.count == 2 else {
        return context.fixInputs("a table has an unknown rank")
      }
      context.fix(table[0], "it is looked up by index")
      context.unify(table[1], word[1])
      context.role(input, axis: 1, .producer)
      context.note(.embeddingTable, table[1])
      vanishes = vanishes && table[1].vanishes
    }
    let sum = ids + [Axis(word[1].dimension, vanishes: vanishes)]
    // Its second output is a mask index and its third the sum, where a normalization has statistics.
    LayerNormalization.relate(&context, sum, first: sum.count - 1, scale: 5, shift: 6)
    context.setFixedOutput(1, "it counts positions")
    context.setOutput(2, sum)
  }
}
