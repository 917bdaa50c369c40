import Analysis
import IR
import Operators
import Synchronization

/// The bodies of an `If`, `Loop` or `Scan` node, each compiled for every set of shapes it meets.
final class ControlFlow: Sendable {
  private enum Kind: Sendable {
    case conditional, loop
    case scan(inputCount: Int)
  }

  private let kind: Kind
  private let node: Node
  private let bodies: [Body]
  private let precision: Precision
  /// Values of the graphs around that the bodies read.
  let captured: [ValueID]

  /// - Returns: `nil` where the node's bodies are not what its operator asks for.
  init?(_ node: Node, in model: Model, options: RuntimeOptions) {
    func graph(_ name: String) -> Graph? {
      if case .graph(let graph) = node.attribute(name) { graph } else { nil }
    }
    let graphs: [Graph]
    switch node.opType {
    case "If":
      guard !node.inputs.isEmpty, let first = graph("then_branch"), let second = graph("else_branch"),
        min(first.outputs.count, second.outputs.count) >= node.outputs.count
      else { return nil }
      graphs = [first, second]
      kind = .conditional
    case "Loop":
      guard let body = graph("body"), body.inputs.count == max(2, node.inputs.count),
        body.outputs.count >= max(0, node.inputs.count - 2) + 1, body.outputs.count - 1 >= node.outputs.count
      else { return nil }
      graphs = [body]
      kind = .loop
    case "Scan":
      let count = Int(node.int("num_scan_inputs", default: 0))
      guard let body = graph("body"), count > 0, count <= node.inputs.count, body.inputs.count == node.inputs.count,
        body.outputs.count >= max(node.outputs.count, node.inputs.count - count), model.opset("") ?? 9 >= 9
      else { return nil }
      graphs = [body]
      kind = .scan(inputCount: count)
    default: return nil
    }
    self.node = node
    precision = options.precision
    bodies = graphs.map { Body($0, in: model, options: options) }
    captured = Set(bodies.flatMap(\.captured)).sorted()
  }

  func run(_ inputs: [RuntimeValue?], captured: [ValueID: RuntimeValue]) throws(RuntimeError) -> [RuntimeValue] {
    switch kind {
    case .conditional:
      guard let condition = inputs[0]?.truth else { throw RuntimeError("its condition is not one boolean") }
      return try bodies[condition ? 0 : 1].run([], captured: captured)
    case .loop: return try loop(inputs, captured)
    case .scan(let count): return try scan(inputs, count: count, captured)
    }
  }

  // MARK: Loop

  private func loop(
    _ inputs: [RuntimeValue?], _ captured: [ValueID: RuntimeValue]
  ) throws(RuntimeError) -> [RuntimeValue] {
    let trips = inputs.first.flatMap { $0 }?.integer ?? Int.max
    var isRunning = inputs.count > 1 ? inputs[1]?.truth ?? true : true
    var states: [RuntimeValue] = []
    for input in inputs.dropFirst(2) {
      guard let input else { throw RuntimeError("a state of the loop has no first value") }
      states.append(input)
    }
    var collected = [[RuntimeValue]](repeating: [], count: bodies[0].graph.outputs.count - 1 - states.count)
    var trip = 0
    while trip < trips, isRunning {
      let counters = [try RuntimeValue(integer: trip), try RuntimeValue(truth: isRunning)]
      let results = try bodies[0].run(counters + states, captured: captured)
      isRunning = results[0].truth ?? false
      states = Array(results[1...].prefix(states.count))
      for (index, slice) in results[(1 + states.count)...].enumerated() { collected[index].append(slice) }
      trip += 1
    }
    var results = states
    for (index, slices) in collected.enumerated() {
      let body = bodies[0].graph.outputs[1 + states.count + index]
      results.append(
        try RuntimeValue.stacked(slices, axis: 0, emptyLike: body, isReversed: false, precision: precision))
    }
    return results
  }

  // MARK: Scan

  private func scan(
    _ inputs: [RuntimeValue?], count: Int, _ captured: [ValueID: RuntimeValue]
  ) throws(RuntimeError) -> [RuntimeValue] {
    var states: [RuntimeValue] = []
    var scanned: [RuntimeValue] = []
    for (index, input) in inputs.enumerated() {
      guard let input else { throw RuntimeError("input \(index) is missing") }
      if index < inputs.count - count { states.append(input) } else { scanned.append(input) }
    }
    let axes = try axes("scan_input_axes", ranks: scanned.map(\.shape.count))
    let lengths = zip(scanned, axes).map { $0.shape[$1] }
    guard Set(lengths).count == 1 else { throw RuntimeError("what it scans has lengths \(lengths)") }
    let isReversed = directions("scan_input_directions", scanned.count)
    let stateCount = states.count
    var collected = [[RuntimeValue]](repeating: [], count: bodies[0].graph.outputs.count - stateCount)
    for step in 0..<lengths[0] {
      var arguments = states
      for (index, whole) in scanned.enumerated() {
        arguments.append(try whole.slice(isReversed[index] ? lengths[0] - 1 - step : step, axis: axes[index]))
      }
      let results = try bodies[0].run(arguments, captured: captured)
      states = Array(results.prefix(stateCount))
      for (index, slice) in results[stateCount...].enumerated() { collected[index].append(slice) }
    }
    let outputAxes = try self.axes(
      "scan_output_axes",
      ranks: collected.enumerated().map { index, slices in
        let declared = bodies[0].graph.outputs[stateCount + index].type?.tensor?.shape?.count
        return (slices.first?.shape.count ?? declared ?? 0) + 1
      })
    let isOutputReversed = directions("scan_output_directions", collected.count)
    var results = states
    for (index, slices) in collected.enumerated() {
      results.append(
        try RuntimeValue.stacked(
          slices, axis: outputAxes[index], emptyLike: bodies[0].graph.outputs[stateCount + index],
          isReversed: isOutputReversed[index], precision: precision))
    }
    return results
  }

  private func axes(_ name: String, ranks: [Int]) throws(RuntimeError) -> [Int] {
    let given = node.ints(name)?.map { Int($0) } ?? ranks.map { _ in 0 }
    guard given.count == ranks.count else { throw RuntimeError("\(name) lists \(given.count) axes of \(ranks.count)") }
    var axes: [Int] = []
    for (axis, rank) in zip(given, ranks) {
      let index = axis < 0 ? axis + rank : axis
      guard index >= 0, index < rank else { throw RuntimeError("axis \(axis) is outside a tensor of \(rank) axes") }
      axes.append(index)
    }
    return axes
  }

  private func directions(_ name: String, _ count: Int) -> [Bool] {
    let given = (node.ints(name) ?? []).map { $0 == 1 }
    return (0..<count).map { $0 < given.count && given[$0] }
  }
}

/// One body, and its programs by the shapes of what they read.
final class Body: Sendable {
  let graph: Graph
  let captured: [ValueID]
  private let model: Model
  private let options: RuntimeOptions
  private let constants = ConstantPool()
  /// The bodies of one program are called from it alone. A loop whose states grow meets new shapes in every iteration.
  private let programs = Mutex(ProgramCache<[Signature]>(countLimit: 8, byteLimit: 1 << 26))

  private struct Signature: Hashable {
    let type: DataType
    let shape: [Int]
  }

  init(_ graph: Graph, in model: Model, options: RuntimeOptions) {
    self.graph = graph
    self.options = options
    captured = graph.valuesFromOutside
    var body = model
    body.graph = graph
    body.graph.inputs += captured.map { ValueInfo(value: $0, type: nil) }
    self.model = body
  }

  func run(_ inputs: [RuntimeValue], captured values: [ValueID: RuntimeValue]) throws(RuntimeError) -> [RuntimeValue] {
    var arguments = inputs
    for value in captured {
      guard let argument = values[value] else { throw RuntimeError("value \(model.name(of: value)) is missing") }
      arguments.append(argument)
    }
    guard arguments.count == model.graph.inputs.count else {
      throw RuntimeError("a body takes \(graph.inputs.count) values, \(inputs.count) are given")
    }
    let key = arguments.map { Signature(type: $0.declaredType, shape: $0.shape) }
    if let cached = programs.withLock({ $0.entry(for: key) }) { return try cached.program.run(arguments) }
    var types: [ValueID: (type: DataType, shape: [Int])] = [:]
    for (info, argument) in zip(model.graph.inputs, arguments) {
      types[info.value] = (argument.declaredType, argument.shape)
    }
    let bound = try BoundModel(model, inputs: types, registry: .runtime)
    let compiled = try ProgramCompiler(
      bound, inputs: model.graph.inputs.map(\.value), outputs: graph.outputs.map(\.value), givens: .init(),
      constants: constants, options: options)
    let entry = ProgramCache<[Signature]>.Entry(try Program(compiled))
    programs.withLock { $0.insert(entry, for: key) }
    return try entry.program.run(arguments)
  }
}

extension Graph {
  /// Values the graph and its bodies read and do not make, sorted.
  var valuesFromOutside: [ValueID] { referencedValues().subtracting(definedValues).sorted() }

  private var definedValues: Set<ValueID> {
    var defined = Set(inputs.map(\.value)).union(initializers.map(\.value))
    for node in nodes {
      defined.formUnion(node.outputs.compactMap { $0 })
      for body in node.subgraphs { defined.formUnion(body.definedValues) }
    }
    return defined
  }
}
