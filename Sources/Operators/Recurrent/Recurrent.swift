import Dimensions
import IR

/// `LSTM`, `GRU` and `RNN`: gates times a hidden width that both directions share.
public struct Recurrent: Operator {
  public let names: [OperatorName]
  private let gates: Int
  /// Inputs after the weights whose last axis is the hidden width.
  private let states: Range<Int>
  /// Positions, among one direction's activations, of those that make a state; the others are gates.
  private let activations: (count: Int, making: Set<Int>)

  private init(_ type: String, gates: Int, states: Range<Int>, activations: (count: Int, making: Set<Int>)) {
    names = [OperatorName(type)]
    self.gates = gates
    self.states = states
    self.activations = activations
  }

  static let all: [any Operator] = [
    Recurrent("LSTM", gates: 4, states: 5..<7, activations: (3, [1, 2])),
    Recurrent("GRU", gates: 3, states: 5..<6, activations: (2, [1])),
    Recurrent("RNN", gates: 1, states: 5..<6, activations: (1, [0])),
  ]

  // MARK: Shapes

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let hidden = hidden(context.node, recurrence: context.shape(2)) else {
      for output in 0..<3 { context.setOutput(output, type: context.type(0), shape: nil) }
      return
    }
    guard x.count == 3 else { throw OperatorError("the input has \(x.count) axes, expected 3") }
    let directions = context.node.string("direction") == "bidirectional" ? 2 : 1
    try check(context, 1, "W", [directions, gates * hidden, x[2].known])
    try check(context, 2, "R", [directions, gates * hidden, hidden])
    try check(context, 3, "B", [directions, 2 * gates * hidden])
    let batchFirst = isBatchFirst(context.node)
    let (batch, sequence) = batchFirst ? (x[0], x[1]) : (x[1], x[0])
    let (count, width) = (Size.known(directions), Size.known(hidden))
    context.setOutput(
      0, type: context.type(0),
      shape: batchFirst ? [batch, sequence, count, width] : [sequence, count, batch, width])
    for output in 1..<3 {
      context.setOutput(
        output, type: context.type(0), shape: batchFirst ? [batch, count, width] : [count, batch, width])
    }
  }

  private func check(
    _ context: ShapeContext, _ input: Int, _ name: String, _ expected: [Int?]
  ) throws(OperatorError) {
    guard let shape = context.shape(input) else { return }
    guard shape.count == expected.count else {
      throw OperatorError("\(name) has \(shape.count) axes, expected \(expected.count)")
    }
    for (axis, pair) in zip(shape, expected).enumerated() {
      if let found = pair.0.known, let size = pair.1, found != size {
        throw OperatorError("axis \(axis) of \(name) has \(found) elements, expected \(size)")
      }
    }
  }

  private func hidden(_ node: Node, recurrence: [Size]?) -> Int? {
    let size = node.int("hidden_size").map { Int($0) } ?? recurrence?.last?.known
    guard let size, size > 0, size < 1 << 30 else { return nil }
    return size
  }

  private func isBatchFirst(_ node: Node) -> Bool { node.int("layout", default: 0) != 0 }

  // MARK: Axes

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count == 3, let w = context.input(1), w.count == 3, let r = context.input(2),
      r.count == 3, let hidden = hidden(context.node, recurrence: context.shape(2))
    else { return context.fixInputs("its operands have unknown ranks") }
    let width = context.dimensions.make(.known(hidden))
    context.remember("hidden_size", width)
    context.note(.recurrentHidden, Axis(width, vanishes: true))
    let batch = x[isBatchFirst(context.node) ? 0 : 1]
    context.fix(x[isBatchFirst(context.node) ? 1 : 0], "a recurrence runs along it")
    context.fix([w[0], r[0]], "it counts directions")
    for rows in [w[1], r[1]] { unify(&context, rows, gates, width) }
    context.unify(w[2], x[2])
    context.sumOver(Axis(w[2].dimension, vanishes: w[2].vanishes || x[2].vanishes), "a recurrence sums over it")
    context.unify(r[2].dimension, width)
    for input in [1, 2] where context.isWeight(input) {
      context.role(input, axis: 1, .producer)
      context.role(input, axis: 2, .consumer)
    }
    var vanishes = w[1].vanishes && r[1].vanishes && keepsZero(context.node)
    if context.has(3) {
      guard let bias = context.input(3), bias.count == 2 else { return context.fixInputs("B has an unknown rank") }
      context.fix(bias[0], "it counts directions")
      unify(&context, bias[1], 2 * gates, width)
      context.role(3, axis: 1, .producer)
      vanishes = vanishes && bias[1].vanishes
    }
    if context.has(4) {
      guard let lengths = context.input(4), lengths.count == 1 else {
        return context.fixInputs("the lengths have an unknown rank")
      }
      context.unify(lengths[0], batch)
    }
    guard relatePeepholes(&context, width), let rest = relateStates(&context, width, batch) else { return }
    vanishes = vanishes && rest
    context.sumOver(Axis(width, vanishes: vanishes || r[2].vanishes), "a recurrence sums over it")
    setOutputs(&context, Axis(width, vanishes: vanishes), batch)
  }

  private func unify(_ context: inout AxisContext, _ axis: Axis, _ count: Int, _ width: DimensionID) {
    let gates = context.fixedAxis(.known(count), "it counts gates").dimension
    let product = context.dimensions.product([gates, width])
    context.unify(axis.dimension, product)
  }

  /// What couples a gate to the cell; `false` where it is not understood.
  private func relatePeepholes(_ context: inout AxisContext, _ width: DimensionID) -> Bool {
    guard gates == 4, context.has(7) else { return true }
    guard let peepholes = context.input(7), peepholes.count == 2 else {
      context.fixInputs("P has an unknown rank")
      return false
    }
    context.fix(peepholes[0], "it counts directions")
    unify(&context, peepholes[1], 3, width)
    context.role(7, axis: 1, .rider)
    return true
  }

  /// - Returns: whether the states start at zero where the width is removed; `nil` where they are not understood.
  private func relateStates(_ context: inout AxisContext, _ width: DimensionID, _ batch: Axis) -> Bool? {
    var vanishes = true
    let batchAxis = isBatchFirst(context.node) ? 0 : 1
    for input in states where context.has(input) {
      guard let state = context.input(input), state.count == 3 else {
        context.fixInputs("a state has an unknown rank")
        return nil
      }
      context.fix(state[1 - batchAxis], "it counts directions")
      context.unify(state[batchAxis], batch)
      context.unify(state[2].dimension, width)
      vanishes = vanishes && state[2].vanishes
    }
    return vanishes
  }

  /// A unit whose weights are zero stays at zero if it starts there and what makes its state keeps zero.
  private func keepsZero(_ node: Node) -> Bool {
    guard let attribute = node.attribute("activations") else { return true }
    guard case .strings(let names) = attribute else { return false }
    return names.enumerated().allSatisfy { position, name in
      !activations.making.contains(position % activations.count)
        || Self.zeroKeeping.contains(String(decoding: name, as: UTF8.self).lowercased())
    }
  }

  private static let zeroKeeping: Set<String> = [
    "tanh", "relu", "leakyrelu", "thresholdedrelu", "scaledtanh", "elu", "softsign",
  ]

  private func setOutputs(_ context: inout AxisContext, _ width: Axis, _ batch: Axis) {
    // Biases drive the states whatever the input is.
    let batch = Axis(batch.dimension, vanishes: false)
    for output in 0..<3 {
      guard let shape = context.outputShape(output), shape.count == (output == 0 ? 4 : 3) else { continue }
      var axes = shape.dropLast().map { context.fixedAxis($0, "it counts steps or directions") }
      axes[isBatchFirst(context.node) ? 0 : axes.count - 1] = batch
      context.setOutput(output, axes + [width])
    }
  }

  // MARK: Cost and rewriting

  public func macs(_ context: MACContext) -> [MACTerm] {
    guard let w = context.dimensions(1), let r = context.dimensions(2), w.count == 3, r.count == 3,
      let x = context.shape(0), x.count == 3
    else { return [] }
    return [w, r].map { MACTerm(axes: $0, sizes: Array(x.prefix(2))) }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let width = context.remembered("hidden_size")?.known, let size = context.node.int("hidden_size"),
      size != Int64(width)
    else { return }
    context.node.setAttribute("hidden_size", .int(Int64(width)))
  }
}
