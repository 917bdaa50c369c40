import Analysis
import IR
import Operators

extension Model {
  /// The model with exactly the slices a plan removes set to zero: what the pruned model has to equal.
  ///
  /// Of a quantized tensor, zero is what its zero point stands for; scales and zero points stay as they are, for they
  /// mean nothing without their integers.
  /// - Throws: ``PlanError`` where the plan names what the model does not have, or has several times.
  public func zeroing(_ removals: [Plan.Removal]) throws(PlanError) -> Model {
    try zeroing(removals, keepingDivisors: false)
  }

  /// - Parameter keepsDivisors: leaves what divides as it is: zero divided by it is zero, and by zero no number.
  func zeroing(_ removals: [Plan.Removal], keepingDivisors keepsDivisors: Bool) throws(PlanError) -> Model {
    var zeroing = Zeroing(self, keepingDivisors: keepsDivisors)
    return try zeroing.apply(removals)
  }
}

/// Zeroes slices by the names plans use: a tensor for all its uses, or one node's use of a shared tensor, which then
/// gets a tensor of its own.
struct Zeroing {
  private var model: Model
  private let keepsDivisors: Bool
  /// By name, with all of that name.
  private var constants: [String: [(value: ValueID, tensor: Tensor)]] = [:]
  /// All nodes in the order of ``visit(_:)``, which numbers them.
  private var nodes: [Node] = []
  /// From the output of an `Identity` to its input.
  private var aliases: [ValueID: ValueID] = [:]
  /// Tensors in the place of others, by the value they are.
  private var replaced: [ValueID: Tensor] = [:]
  /// Values that single uses read instead.
  private var ownValues: [Use: ValueID] = [:]

  /// An input of a node, by the node's number.
  private struct Use: Hashable {
    let node: Int
    let input: Int
  }

  private struct Target: Hashable {
    let tensor: String
    let node: String?
  }

  init(_ model: Model, keepingDivisors keepsDivisors: Bool) {
    self.model = model
    self.keepsDivisors = keepsDivisors
    visit(model.graph)
  }

  private mutating func visit(_ graph: Graph) {
    for initializer in graph.initializers { add(initializer.value, initializer.tensor) }
    for node in graph.nodes {
      nodes.append(node)
      if let output = node.output(0) {
        if let tensor = node.constantTensor { add(output, tensor) }
        if node.opType == "Identity", let input = node.input(0) { aliases[output] = input }
      }
      for body in node.subgraphs { visit(body) }
    }
  }

  private mutating func add(_ value: ValueID, _ tensor: Tensor) {
    constants[model.name(of: value), default: []].append((value, tensor))
  }

  mutating func apply(_ removals: [Plan.Removal]) throws(PlanError) -> Model {
    var order: [Target] = []
    var slices: [Target: [Plan.Removal]] = [:]
    for removal in removals {
      let target = Target(tensor: removal.tensor, node: removal.node)
      if slices[target] == nil { order.append(target) }
      slices[target, default: []].append(removal)
    }
    for target in order { try zero(target, slices[target] ?? []) }
    var number = 0
    rewrite(&model.graph, &number)
    return model
  }

  private func find(_ name: String) throws(PlanError) -> (value: ValueID, tensor: Tensor) {
    guard let found = constants[name]?.first else {
      throw PlanError("the plan removes from \(name), which is no constant tensor of the model")
    }
    guard constants[name]?.count == 1 else {
      throw PlanError("the plan removes from \(name), which several graphs of the model define")
    }
    return found
  }

  private mutating func zero(_ target: Target, _ slices: [Plan.Removal]) throws(PlanError) {
    let (value, tensor) = try find(target.tensor)
    let uses = uses(of: value)
    guard uses.isEmpty || !uses.allSatisfy({ QuantizedInputs.isScale(nodes[$0.node], $0.input) }) else { return }
    let point = zeroPoint(uses, rank: tensor.shape.count)
    guard let zeroed = tensor.zeroing(slices.map { ($0.axis, $0.indices) }, point: point) else {
      throw PlanError("the plan removes from \(target.tensor) of shape \(tensor.shape) what it does not have")
    }
    guard let label = target.node else {
      let divisors = uses.filter { isDivisor($0) }
      guard divisors.isEmpty || divisors.count < uses.count else { return }
      replaced[value] = zeroed
      if !divisors.isEmpty { add(tensor, named: "\(target.tensor) as a divisor", for: divisors) }
      return
    }
    let own = uses.filter { nodes[$0.node].label(in: model) == label }
    guard Set(own.map(\.node)).count == 1 else {
      let what = own.isEmpty ? "does not read it" : "is what several nodes are called"
      throw PlanError("the plan removes from a use of \(target.tensor) by \(label), which \(what)")
    }
    let losing = own.filter { !isDivisor($0) }
    if !losing.isEmpty { add(zeroed, named: "\(target.tensor) zeroed for \(label)", for: losing) }
  }

  /// A tensor of their own for single uses.
  private mutating func add(_ tensor: Tensor, named name: String, for uses: [Use]) {
    let copy = model.addValue(named: name)
    model.graph.initializers.append(Initializer(value: copy, tensor: tensor))
    for use in uses { ownValues[use] = copy }
  }

  private func isDivisor(_ use: Use) -> Bool {
    let node = nodes[use.node]
    return keepsDivisors && use.input == 1 && node.canonicalDomain.isEmpty && ["Div", "Mod"].contains(node.opType)
  }

  /// Every use of a tensor, by way of `Identity` too.
  private func uses(of value: ValueID) -> [Use] {
    var uses: [Use] = []
    for (number, node) in nodes.enumerated() where node.opType != "Identity" {
      for (input, read) in node.inputs.enumerated() where read.map({ source($0) }) == value {
        uses.append(Use(node: number, input: input))
      }
    }
    return uses
  }

  private func source(_ value: ValueID) -> ValueID {
    var value = value
    while let input = aliases[value] { value = input }
    return value
  }

  /// What stands for zero in a tensor, by those who read it; `nil` where zero does.
  private func zeroPoint(_ uses: [Use], rank: Int) -> ZeroPoint? {
    for use in uses {
      let node = nodes[use.node]
      guard let partner = QuantizedInputs.zeroPoint(node, use.input).flatMap({ node.input($0) }),
        let found = constants[model.name(of: source(partner))]?.first
      else { continue }
      return ZeroPoint(tensor: found.tensor, axis: QuantizedInputs.axis(node, rank: rank))
    }
    return nil
  }

  private func rewrite(_ graph: inout Graph, _ number: inout Int) {
    for index in graph.initializers.indices {
      guard var tensor = replaced[graph.initializers[index].value] else { continue }
      tensor.name = graph.initializers[index].tensor.name
      graph.initializers[index].tensor = tensor
    }
    for index in graph.nodes.indices {
      for input in graph.nodes[index].inputs.indices {
        if let own = ownValues[Use(node: number, input: input)] { graph.nodes[index].inputs[input] = own }
      }
      number += 1
      if graph.nodes[index].opType == "Constant", let tensor = graph.nodes[index].output(0).flatMap({ replaced[$0] }) {
        graph.nodes[index].setConstantTensor(tensor)
      }
      for attribute in graph.nodes[index].attributes.indices {
        switch graph.nodes[index].attributes[attribute].value {
        case .graph(var body):
          rewrite(&body, &number)
          graph.nodes[index].attributes[attribute].value = .graph(body)
        case .graphs(var bodies):
          for position in bodies.indices { rewrite(&bodies[position], &number) }
          graph.nodes[index].attributes[attribute].value = .graphs(bodies)
        default: continue
        }
      }
    }
  }
}

/// Which inputs of an operator hold quantized numbers, and which their scales and zero points.
private enum QuantizedInputs {
  private struct Layout {
    /// From the input with numbers to the one with their zero point.
    let zeroPoints: [Int: Int]
    let scales: Set<Int>
  }

  private static let qlinear = Layout(zeroPoints: [0: 2, 3: 5], scales: [1, 2, 4, 5, 6, 7])

  private static let layouts: [String: Layout] = [
    "DequantizeLinear": Layout(zeroPoints: [0: 2], scales: [1, 2]),
    "QuantizeLinear": Layout(zeroPoints: [:], scales: [1, 2]),
    "QLinearConv": qlinear, "QLinearMatMul": qlinear, "QLinearAdd": qlinear, "QLinearMul": qlinear,
    "ConvInteger": Layout(zeroPoints: [0: 2, 1: 3], scales: [2, 3]),
    "MatMulInteger": Layout(zeroPoints: [0: 2, 1: 3], scales: [2, 3]),
    "DynamicQuantizeMatMul": Layout(zeroPoints: [1: 3], scales: [2, 3]),
    "QGemm": Layout(zeroPoints: [0: 2, 3: 5], scales: [1, 2, 4, 5, 7, 8]),
    "QAttention": Layout(zeroPoints: [0: 6, 1: 7], scales: [3, 4, 6, 7]),
    "MatMulIntegerToFloat": Layout(zeroPoints: [0: 4, 1: 5], scales: [2, 3, 4, 5]),
  ]

  static func isScale(_ node: Node, _ input: Int) -> Bool { layouts[node.opType]?.scales.contains(input) ?? false }

  static func zeroPoint(_ node: Node, _ input: Int) -> Int? { layouts[node.opType]?.zeroPoints[input] }

  /// The axis that scales of their own for each channel run along.
  static func axis(_ node: Node, rank: Int) -> Int {
    switch node.opType {
    case "QLinearConv", "ConvInteger": return 0
    case "DequantizeLinear":
      let axis = Int(node.int("axis", default: 1))
      return axis < 0 ? axis + rank : min(axis, max(rank - 1, 0))
    default: return rank - 1
    }
  }
}
