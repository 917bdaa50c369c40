import IR
import Kernels

extension Recurrent {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try make(context.real(0), context)
  }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try Recurrence.Layout(context)
    let presence = try RecurrentPresence(context, layout)
    let product = try context.matrixProduct()
    let bytes = layout.scratchCount(isBackward: false) * MemoryLayout<T>.stride
    return Kernel(scratchBytes: bytes) { arguments throws(KernelError) in
      let operands = try presence.operands(arguments, T.self, steps: layout.steps)
      let results = Recurrence.Results<T>(
        y: presence.output(0, arguments), hidden: presence.output(1, arguments), cell: presence.output(2, arguments))
      Recurrence.run(
        operands, results, layout, product, scratch: arguments.scratch.assumingMemoryBound(to: T.self),
        workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    let node = context.node
    let arriving = (0..<3).map { context.gradient($0) }
    guard arriving.contains(where: { $0 != nil }) else { return }
    guard node.float("clip") == nil else { throw OperatorError("it clips its gates, which has no gradient") }
    let inputs = (0..<8).map { node.input($0) } + arriving
    context.emitGradients(.own("\(node.opType)Gradient"), inputs, towards: 0..<8, attributes: node.attributes)
  }
}

extension Recurrence.Layout {
  /// What a node and its operands say; gradients have the node's attributes and its inputs first.
  init(_ context: KernelContext) throws(KernelError) {
    let (x, w, r) = (try context.input(0), try context.input(1), try context.input(2))
    guard x.rank == 3, w.rank == 3, r.rank == 3 else {
      throw .invalid("the input or the weights do not have three axes")
    }
    let node = context.node
    let isBatchFirst = node.int("layout", default: 0) != 0
    let cell = Self.cell(node)
    let directions = try Self.directions(node, cell)
    guard r.shape[0] == directions.count, r.shape[1] == cell.gates * r.shape[2] else {
      throw .invalid("recurrent weights of shape \(r.shape) for \(directions.count) directions")
    }
    self.init(
      cell: cell, steps: x.shape[isBatchFirst ? 1 : 0], batch: x.shape[isBatchFirst ? 0 : 1], inputs: x.shape[2],
      hidden: r.shape[2], directions: directions, clip: node.float("clip").map { Double($0) },
      couplesInputAndForget: node.int("input_forget", default: 0) != 0, isBatchFirst: isBatchFirst)
  }

  private static func cell(_ node: Node) -> Recurrence.Cell {
    switch node.opType.prefix(3) {
    case "LST": .lstm
    case "GRU": .gru(resetsProduct: node.int("linear_before_reset", default: 0) != 0)
    default: .plain
    }
  }

  private static func directions(
    _ node: Node, _ cell: Recurrence.Cell
  ) throws(KernelError) -> [Recurrence.Direction] {
    let reverse: [Bool]
    switch node.string("direction") ?? "forward" {
    case "forward": reverse = [false]
    case "reverse": reverse = [true]
    case "bidirectional": reverse = [false, true]
    case let other: throw .invalid("direction \(other)")
    }
    let all = try activations(node, cell, directions: reverse.count)
    let count = all.count / reverse.count
    return reverse.enumerated().map { index, isReverse in
      Recurrence.Direction(isReverse: isReverse, activations: Array(all[(index * count)..<((index + 1) * count)]))
    }
  }

  private static func activations(
    _ node: Node, _ cell: Recurrence.Cell, directions: Int
  ) throws(KernelError) -> [GateActivation] {
    let usual: [String]
    switch cell {
    case .plain: usual = ["Tanh"]
    case .gru: usual = ["Sigmoid", "Tanh"]
    case .lstm: usual = ["Sigmoid", "Tanh", "Tanh"]
    }
    var names = (0..<directions).flatMap { _ in usual }
    if case .strings(let given) = node.attribute("activations") {
      guard given.count == names.count else {
        throw .invalid("\(given.count) activations, expected \(names.count)")
      }
      names = given.map { String(decoding: $0, as: UTF8.self) }
    }
    var alphas = floats(node, "activation_alpha")[...]
    var betas = floats(node, "activation_beta")[...]
    var result: [GateActivation] = []
    for name in names {
      guard let kind = GateActivation.Kind(rawValue: name.lowercased()) else {
        throw .unsupported("the activation \(name)")
      }
      let usual = usualParameters(kind)
      // Each function that has a parameter takes the next one of the list.
      let alpha = usual.alpha.map { alphas.popFirst() ?? $0 }
      let beta = usual.beta.map { betas.popFirst() ?? $0 }
      result.append(GateActivation(kind, alpha: alpha ?? 0, beta: beta ?? 0))
    }
    return result
  }

  private static func floats(_ node: Node, _ name: String) -> [Double] {
    if case .floats(let values) = node.attribute(name) { values.map { Double($0) } } else { [] }
  }

  private static func usualParameters(_ kind: GateActivation.Kind) -> (alpha: Double?, beta: Double?) {
    switch kind {
    case .affine: (1, 0)
    case .leakyrelu: (0.01, nil)
    case .thresholdedrelu, .elu: (1, nil)
    case .scaledtanh: (1, 1)
    case .hardsigmoid: (0.2, 0.5)
    case .sigmoid, .tanh, .relu, .softsign, .softplus: (nil, nil)
    }
  }
}

/// Which optional tensors a recurrent node, or its gradient, has.
struct RecurrentPresence: Sendable {
  static let lengths = 4

  private let inputs: [Bool]
  private let outputs: [Bool]
  private let batch: Int

  init(_ context: KernelContext, _ layout: Recurrence.Layout) throws(KernelError) {
    inputs = (0..<11).map { context.has($0) }
    outputs = (0..<8).map { context.hasOutput($0) }
    batch = layout.batch
    let (directions, hidden, gates) = (layout.directions.count, layout.hidden, layout.cell.gates)
    let expected = [
      0: layout.steps * batch * layout.inputs, 1: directions * gates * hidden * layout.inputs,
      2: directions * gates * hidden * hidden, 3: directions * 2 * gates * hidden, 4: batch,
      5: directions * batch * hidden, 6: directions * batch * hidden, 7: directions * 3 * hidden,
    ]
    for (input, count) in expected where context.has(input) {
      let operand = try context.input(input)
      guard operand.count == count else {
        throw .invalid("input \(input) has \(operand.count) elements, expected \(count)")
      }
      let type = input == Self.lengths ? .int32 : try context.input(0).type
      guard operand.type == type else { throw .unsupported("input \(input) of type \(operand.type)") }
    }
  }

  func operands<T: Real>(
    _ arguments: KernelArguments, _: T.Type, steps: Int
  ) throws(KernelError) -> Recurrence.Operands<T> {
    var operands = Recurrence.Operands<T>(x: arguments.input(0), w: arguments.input(1), r: arguments.input(2))
    operands.bias = input(3, arguments)
    if inputs[Self.lengths] {
      let lengths = arguments.input(Self.lengths, as: Int32.self)
      for sample in 0..<batch where lengths[sample] < 0 || lengths[sample] > steps {
        throw .invalid("a sequence of length \(lengths[sample]) among \(steps) steps")
      }
      operands.lengths = lengths
    }
    operands.hidden = input(5, arguments)
    operands.cell = input(6, arguments)
    operands.peepholes = input(7, arguments)
    return operands
  }

  func input<T: Real>(_ index: Int, _ arguments: KernelArguments) -> UnsafePointer<T>? {
    inputs[index] ? arguments.optionalInput(index) : nil
  }

  func output<T: Real>(_ index: Int, _ arguments: KernelArguments) -> UnsafeMutablePointer<T>? {
    outputs[index] ? arguments.optionalOutput(index) : nil
  }
}
