import Dimensions
import IR

/// `LSTM`, `GRU` and `RNN`: gates times a hidden width that both directions share.
public struct Recurrent: Operator {
  public let names: [OperatorName]
  private let gates: Int
  /// Inputs after the weights whose last axis is the hidden width.
  private let states: Range<Int>

  private init(_ type: String, gates: Int, states: Range<Int>) {
    names = [OperatorName(type)]
    self.gates = gates
    self.states = states
  }

  static let all: [any Operator] = [
    Recurrent("LSTM", gates: 4, states: 5..<7), Recurrent("GRU", gates: 3, states: 5..<6),
    Recurrent("RNN", gates: 1, states: 5..<6),
  ]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let hidden = hidden(context.node, recurrence: context.shape(2)) else {
      for output in 0..<3 { context.setOutput(output, type: context.type(0), shape: nil) }
      return
    }
    guard x.count == 3 else { throw OperatorError("the input has \(x.count) axes, expected 3") }
    let directions = Size.known(context.node.string("direction") == "bidirectional" ? 2 : 1)
    if let w = context.shape(1) {
      guard w.count == 3 else { throw OperatorError("W has \(w.count) axes, expected 3") }
      if let rows = w[1].known, rows != gates * hidden {
        throw OperatorError("W has \(rows) rows, expected \(gates) × hidden_size \(hidden)")
      }
      if let columns = w[2].known, let width = x[2].known, columns != width {
        throw OperatorError("W takes \(columns) inputs, the input has \(width)")
      }
    }
    let batchFirst = context.node.int("layout", default: 0) != 0
    let width = Size.known(hidden)
    let batch = batchFirst ? x[0] : x[1]
    let sequence = batchFirst ? x[1] : x[0]
    context.setOutput(
      0, type: context.type(0),
      shape: batchFirst ? [batch, sequence, directions, width] : [sequence, directions, batch, width])
    for output in 1..<3 {
      context.setOutput(
        output, type: context.type(0), shape: batchFirst ? [batch, directions, width] : [directions, batch, width])
    }
  }

  private func hidden(_ node: Node, recurrence: [Size]?) -> Int? {
    if let size = node.int("hidden_size"), size > 0, size < 1 << 30 { return Int(size) }
    return recurrence?.last?.known
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count == 3, let w = context.input(1), w.count == 3, let r = context.input(2),
      r.count == 3, let hidden = hidden(context.node, recurrence: context.shape(2))
    else { return context.fixInputs("its operands have unknown ranks") }
    let width = context.dimensions.make(.known(hidden))
    context.remember("hidden_size", width)
    context.note(.recurrentHidden, Axis(width, vanishes: true))
    func rows(_ axis: Axis, _ count: Int) {
      let gates = context.fixedAxis(.known(count), "it counts gates").dimension
      let product = context.dimensions.product([gates, width])
      context.unify(axis.dimension, product)
    }
    context.fix([w[0], r[0]], "it counts directions")
    rows(w[1], gates)
    rows(r[1], gates)
    context.unify(w[2], x[2])
    context.unify(r[2].dimension, width)
    for input in [1, 2] {
      context.role(input, axis: 1, .producer)
      context.role(input, axis: 2, .consumer)
    }
    if context.has(3) {
      guard let bias = context.input(3), bias.count == 2 else { return context.fixInputs("B has an unknown rank") }
      context.fix(bias[0], "it counts directions")
      rows(bias[1], 2 * gates)
      context.role(3, axis: 1, .producer)
    }
    if context.has(4), let lengths = context.input(4) { context.fix(lengths, "it counts sequences") }
    if gates == 4, context.has(7) {
      guard let peepholes = context.input(7), peepholes.count == 2 else {
        return context.fixInputs("P has an unknown rank")
      }
      context.fix(peepholes[0], "it counts directions")
      rows(peepholes[1], 3)
      context.role(7, axis: 1, .rider)
    }
    let vanishes = relateStates(&context, width)
    setOutputs(&context, width, vanishes: vanishes)
  }

  /// A unit whose weights are zero stays at zero if it starts there and its activation keeps zero.
  private func relateStates(_ context: inout AxisContext, _ width: DimensionID) -> Bool {
    var vanishes = context.node.attribute("activations") == nil
    for input in states where context.has(input) {
      guard let state = context.input(input), state.count == 3 else {
        context.fixInputs("a state has an unknown rank")
        continue
      }
      context.fix(state[..<2], "it counts directions or samples")
      context.unify(state[2].dimension, width)
      vanishes = vanishes && state[2].vanishes
    }
    return vanishes
  }

  private func setOutputs(_ context: inout AxisContext, _ width: DimensionID, vanishes: Bool) {
    for output in context.node.outputs.indices {
      guard let shape = context.outputShape(output) else { continue }
      let axes = shape.dropLast().map { context.fixedAxis($0, "it counts steps, directions or samples") }
      context.setOutput(output, axes + [Axis(width, vanishes: vanishes)])
    }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let w = context.dimensions(1), let r = context.dimensions(2), w.count == 3, r.count == 3,
      let x = context.shape(0), x.count == 3
    else { return [] }
    return [w, r].map { MACTerm(axes: $0, sizes: Array(x.prefix(2))) }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let width = context.remembered("hidden_size")?.known, context.node.int("hidden_size") != nil,
      context.node.int("hidden_size") != Int64(width)
    else { return }
    context.node.setAttribute("hidden_size", .int(Int64(width)))
  }
}
