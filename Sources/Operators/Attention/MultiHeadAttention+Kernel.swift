import IR
import Kernels

extension MultiHeadAttention {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let bytes = MemoryLayout<T>.stride
      return try plan(context, elementBytes: bytes).kernel(try context.matrixProduct(), as: T.self)
    }
    return try make(context.real(0))
  }

  /// - Parameter output: where the result goes; the first output where left out.
  func plan(_ context: KernelContext, elementBytes: Int) throws(KernelError) -> AttentionPlan {
    guard context.node.opType == "MultiHeadAttention" else {
      throw .unsupported("\(context.node.opType), which looks keys up in a cache of beams, is not computed")
    }
    if context.has(8) || context.has(9) { throw .unsupported("caches that are written in place") }
    var plan = try operands(context)
    if context.has(3) { try addBias(&plan, context) }
    try addCaches(&plan, context)
    plan.gather(\.query, elementBytes: elementBytes)
    plan.gather(\.key, to: present(1, plan.key, context), elementBytes: elementBytes)
    plan.gather(\.value, to: present(2, plan.value, context), elementBytes: elementBytes)
    plan.visible = VisibleKeys(
      isCausal: context.node.int("unidirectional", default: 0) != 0, offsets: [plan.key.pastRows],
      lengths: [plan.sizes.keys])
    if context.has(4) {
      plan.biases.append(
        try ScoreMask(
          contrib: context.input(4), input: 4, filter: Double(context.node.float("mask_filter_value") ?? -10_000),
          sizes: plan.sizes, scratch: &plan.scratch, elementBytes: elementBytes))
    }
    if context.has(5) {
      let bias = try context.input(5).shape
      guard let columns = bias.last, columns == 1 || columns == plan.sizes.keys else {
        throw .invalid("attention_bias of shape \(bias) for \(plan.sizes.keys) keys")
      }
      plan.biases.append(
        try ScoreMask(
          broadcasting: context.input(5), input: 5, spelling: .numbers, sizes: plan.sizes, scratch: &plan.scratch,
          elementBytes: elementBytes))
    }
    if context.hasOutput(3) { plan.scoreOutput = (3, ScoreOutput<Float>.Step.products.rawValue) }
    return plan
  }

  private func operands(_ context: KernelContext) throws(KernelError) -> AttentionPlan {
    let heads = Int(context.node.int("num_heads", default: 0))
    guard heads > 0, heads < 1 << 31 else { throw .invalid("num_heads is \(heads)") }
    try context.checkOneType([0, 1, 2, 3, 5, 6, 7])
    let query = try context.input(0).shape
    guard query.count == 3 || query.count == 5 else { throw .invalid("a query of shape \(query)") }
    let (batch, queries) = (query[0], query[1])
    var parts: [AttentionPlan.Operand] = []
    if query.count == 5 {
      parts = try stacked(0, query, parts: 3)
    } else if !context.has(1) {
      guard query[2] % (3 * heads) == 0 else {
        throw .invalid("\(heads) heads do not divide queries, keys and values of shape \(query)")
      }
      let width = query[2] / 3
      parts = (0..<3).map { sideBySide(0, query, heads: heads, width: width / heads, offset: $0 * width) }
    } else {
      guard query[2] % heads == 0 else {
        throw .invalid("\(heads) heads do not divide a query of shape \(query)")
      }
      parts.append(sideBySide(0, query, heads: heads, width: query[2] / heads))
      let key = try context.input(1).shape
      if key.count == 5 {
        parts += try stacked(1, key, parts: 2)
      } else {
        parts.append(try separate(1, key, heads: heads))
        parts.append(try separate(2, try context.input(2).shape, heads: heads))
      }
    }
    let sizes = AttentionSizes(
      batch: batch, heads: heads, groups: heads, queries: queries, keys: parts[1].rows, width: parts[0].width,
      valueWidth: parts[2].width)
    let scale = context.node.float("scale").flatMap { $0 == 0 ? nil : Double($0) }
    let columns = heads * sizes.valueWidth
    return try AttentionPlan(
      sizes: sizes, query: parts[0], key: parts[1], value: parts[2],
      output: HeadPlace(
        place: .output(0), strides: .sideBySide(positions: queries, columns: columns, width: sizes.valueWidth)),
      scale: scale ?? 1 / Double(sizes.width).squareRoot())
  }

  private func sideBySide(
    _ input: Int, _ shape: [Int], heads: Int, width: Int, offset: Int = 0
  ) -> AttentionPlan.Operand {
    AttentionPlan.Operand(
      HeadPlace(
        place: .input(input), offset: offset,
        strides: .sideBySide(positions: shape[1], columns: shape[2], width: width)),
      batch: shape[0], rows: shape[1], heads: heads, width: width)
  }

  /// `[batch, positions, heads ⊗ width]` or `[batch, heads, positions, width]`.
  private func separate(_ input: Int, _ shape: [Int], heads: Int) throws(KernelError) -> AttentionPlan.Operand {
    guard shape.count == 3 || shape.count == 4 else { throw .invalid("keys or values of shape \(shape)") }
    guard shape.count == 4 || shape[2] % heads == 0 else {
      throw .invalid("\(heads) heads do not divide keys or values of shape \(shape)")
    }
    guard shape.count == 4 else { return sideBySide(input, shape, heads: heads, width: shape[2] / heads) }
    return AttentionPlan.Operand(
      HeadPlace(place: .input(input), strides: .apart(heads: shape[1], positions: shape[2], width: shape[3])),
      batch: shape[0], rows: shape[2], heads: shape[1], width: shape[3])
  }

  /// `[batch, positions, heads, 2 or 3, width]`.
  private func stacked(_ input: Int, _ shape: [Int], parts: Int) throws(KernelError) -> [AttentionPlan.Operand] {
    guard shape[3] == parts else { throw .invalid("an input of shape \(shape) does not hold \(parts) parts") }
    let row = shape[2] * shape[3] * shape[4]
    return (0..<parts).map { part in
      AttentionPlan.Operand(
        HeadPlace(
          place: .input(input), offset: part * shape[4],
          strides: HeadStrides(batch: shape[1] * row, head: shape[3] * shape[4], row: row)),
        batch: shape[0], rows: shape[1], heads: shape[2], width: shape[4])
    }
  }

  private func addBias(_ plan: inout AttentionPlan, _ context: KernelContext) throws(KernelError) {
    let columns = plan.sizes.heads * plan.sizes.width
    guard try context.input(3).count == 2 * columns + plan.sizes.heads * plan.sizes.valueWidth else {
      throw .invalid("the bias has another size than queries, keys and values together")
    }
    plan.query.bias = (3, 0)
    // Keys and values with heads apart come from an encoder, ready to use.
    if context.has(1), try context.input(1).rank == 4 { return }
    plan.key.bias = (3, columns)
    plan.value.bias = (3, 2 * columns)
  }

  private func addCaches(_ plan: inout AttentionPlan, _ context: KernelContext) throws(KernelError) {
    guard context.has(6), context.has(7) else { return }
    try plan.addPast(\.key, .input(6), shape: context.input(6).shape)
    try plan.addPast(\.value, .input(7), shape: context.input(7).shape)
    try plan.countPast()
    plan.visible.lengths = [plan.sizes.keys]
  }

  private func present(_ output: Int, _ operand: AttentionPlan.Operand, _ context: KernelContext) -> HeadPlace? {
    guard context.hasOutput(output) else { return nil }
    return HeadPlace(
      place: .output(output),
      strides: .apart(heads: operand.heads, positions: operand.rows + operand.pastRows, width: operand.width))
  }
}
