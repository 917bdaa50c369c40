import IR
import Kernels

extension MixtureOfExperts {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let sizes = try ExpertSizes(context)
    let product = try context.matrixProduct()
    var scratch = ScratchLayout()
    let bytes = MemoryLayout<T>.stride
    let rows = scratch.reserve(sizes.tokens * sizes.hidden * bytes)
    let inner = scratch.reserve(sizes.tokens * sizes.joined * bytes)
    let gates = scratch.reserve(sizes.tokens * sizes.inner * bytes)
    let results = scratch.reserve(sizes.tokens * sizes.hidden * bytes)
    return Kernel(scratchBytes: scratch.byteCount) { arguments throws(KernelError) in
      let x: UnsafePointer<T> = arguments.input(0)
      let y: UnsafeMutablePointer<T> = arguments.output(0)
      y.update(repeating: 0, count: sizes.tokens * sizes.hidden)
      let chosen: [[(token: Int, weight: T)]] = sizes.route(arguments.input(1))
      for (expert, tokens) in chosen.enumerated() where !tokens.isEmpty {
        let own: UnsafeMutablePointer<T> = rows.elements(arguments)
        for (index, choice) in tokens.enumerated() {
          (own + index * sizes.hidden).update(from: x + choice.token * sizes.hidden, count: sizes.hidden)
        }
        let network = ExpertNetwork<T>(arguments, sizes, expert, product)
        let result: UnsafeMutablePointer<T> = results.elements(arguments)
        network.run(
          own, count: tokens.count, inner: inner.elements(arguments), gates: gates.elements(arguments), result)
        for (index, choice) in tokens.enumerated() {
          let (from, into) = (result + index * sizes.hidden, y + choice.token * sizes.hidden)
          for column in 0..<sizes.hidden { into[column] += choice.weight * from[column] }
        }
      }
    }
  }
}

/// The sizes of experts, and how tokens are routed.
private struct ExpertSizes: Sendable {
  let (tokens, hidden, inner, experts, chosen): (Int, Int, Int, Int, Int)
  let normalizes: Bool
  let activation: String
  /// How gates and values are joined in the first matrix: not at all, one by one, or one half after the other.
  let fusion: Int
  let gate: GatedActivation
  let hasInput: [Bool]

  /// Rows of the first matrix.
  var joined: Int { activation == "swiglu" ? 2 * inner : inner }

  init(_ context: KernelContext) throws(KernelError) {
    let (x, first, second) = (try context.input(0), try context.input(2), try context.input(4))
    guard let hidden = x.shape.last, hidden > 0, first.rank == 3, second.rank == 3, first.shape[2] == hidden,
      second.shape[1] == hidden
    else { throw .unsupported("experts of shapes \(first.shape) and \(second.shape)") }
    (tokens, self.hidden, inner, experts) = (x.count / hidden, hidden, second.shape[2], first.shape[0])
    chosen = Int(context.node.int("k", default: 1))
    guard chosen > 0, chosen <= experts else { throw .invalid("k is \(chosen) for \(experts) experts") }
    guard context.node.int("use_sparse_mixer", default: 0) == 0 else { throw .unsupported("a sparse mixer") }
    normalizes = context.node.int("normalize_routing_weights", default: 0) != 0
    activation = context.node.string("activation_type") ?? "relu"
    guard ["relu", "gelu", "silu", "identity", "swiglu"].contains(activation) else {
      throw .unsupported("experts activated by \(activation)")
    }
    fusion = Int(context.node.int("swiglu_fusion", default: 0))
    guard activation != "swiglu" || fusion == 1 || fusion == 2 else {
      throw .unsupported("gates in a matrix of their own")
    }
    gate = GatedActivation(
      alpha: context.node.float("activation_alpha") ?? 1, beta: context.node.float("activation_beta") ?? 0,
      limit: context.node.float("swiglu_limit") ?? .infinity)
    hasInput = (0..<8).map { context.has($0) }
    guard first.shape[1] == joined, second.shape[0] == experts else {
      throw .invalid("experts of shapes \(first.shape) and \(second.shape)")
    }
    try check(context)
  }

  private func check(_ context: KernelContext) throws(KernelError) {
    _ = try context.input(1)
    try context.checkOneType(0..<8)
    try context.check(1, "routes", counts: [tokens * experts])
    try context.check(3, "biases", counts: [experts * joined])
    try context.check(5, "biases", counts: [experts * hidden])
    try context.check(6, "gates", counts: [experts * inner * hidden])
    try context.check(7, "biases", counts: [experts * inner])
  }

  /// The tokens of each expert, with the weights of their routes.
  func route<T: Real>(_ logits: UnsafePointer<T>) -> [[(token: Int, weight: T)]] {
    var result = [[(token: Int, weight: T)]](repeating: [], count: experts)
    for token in 0..<tokens {
      let own = (0..<experts).map { logits[token * experts + $0] }
      let order = own.indices.sorted { own[$0] > own[$1] || own[$0] == own[$1] && $0 < $1 }.prefix(chosen)
      let largest = own[order[0]]
      let among = normalizes ? Array(order) : Array(own.indices)
      let sum = among.reduce(T.zero) { $0 + Exponentials.value(own[$1] - largest) }
      for expert in order {
        result[expert].append((token, Exponentials.value(own[expert] - largest) / sum))
      }
    }
    return result
  }
}

/// One expert: two products with an activation between them, or three where a gate multiplies.
private struct ExpertNetwork<T: Real> {
  let arguments: KernelArguments
  let sizes: ExpertSizes
  let expert: Int
  let product: MatrixProduct

  init(_ arguments: KernelArguments, _ sizes: ExpertSizes, _ expert: Int, _ product: MatrixProduct) {
    (self.arguments, self.sizes, self.expert, self.product) = (arguments, sizes, expert, product)
  }

  func run(
    _ rows: UnsafeMutablePointer<T>, count: Int, inner: UnsafeMutablePointer<T>, gates: UnsafeMutablePointer<T>,
    _ result: UnsafeMutablePointer<T>
  ) {
    multiply(rows, count, sizes.hidden, weight: 2, bias: 3, sizes.joined, inner)
    if sizes.activation == "swiglu" {
      sizes.gate.apply(inner, rows: count, width: sizes.inner, alternates: sizes.fusion == 1)
    } else {
      Exponentials.activate(inner, count * sizes.inner, sizes.activation)
    }
    if sizes.hasInput[6] {
      multiply(rows, count, sizes.hidden, weight: 6, bias: 7, sizes.inner, gates)
      for index in 0..<(count * sizes.inner) { inner[index] *= gates[index] }
    }
    multiply(inner, count, sizes.inner, weight: 4, bias: 5, sizes.hidden, result)
  }

  private func multiply(
    _ rows: UnsafeMutablePointer<T>, _ count: Int, _ width: Int, weight: Int, bias: Int, _ columns: Int,
    _ result: UnsafeMutablePointer<T>
  ) {
    let hasBias = sizes.hasInput[bias]
    if hasBias {
      Rows.fill(
        result, rows: count, width: columns, with: arguments.input(bias) + expert * columns,
        workers: arguments.workers)
    }
    product(
      rows: count, columns: columns, inner: width, MatrixProduct.Operand(UnsafePointer(rows), leading: width),
      MatrixProduct.Operand(
        arguments.input(weight) + expert * width * columns, leading: width, isTransposed: true),
      beta: hasBias ? 1 : 0, result, leading: columns, workers: arguments.workers)
  }
}
