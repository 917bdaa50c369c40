import IR
import Kernels

extension ScaledDotProductAttention {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let bytes = MemoryLayout<T>.stride
      return try plan(context, elementBytes: bytes).kernel(try context.matrixProduct(), as: T.self)
    }
    return try make(context.real(0))
  }

  func plan(_ context: KernelContext, elementBytes: Int) throws(KernelError) -> AttentionPlan {
    var plan = try operands(context)
    try addCaches(&plan, context)
    plan.gather(\.key, to: present(1, plan.key, context), elementBytes: elementBytes)
    plan.gather(\.value, to: present(2, plan.value, context), elementBytes: elementBytes)
    plan.visible = try visibleKeys(context.node, plan)
    if context.has(3) {
      let mask = try context.input(3)
      plan.biases.append(
        try ScoreMask(
          broadcasting: mask, input: 3, spelling: mask.type == .bool ? .flags(.bool) : .numbers,
          filter: -.infinity, sizes: plan.sizes, scratch: &plan.scratch, elementBytes: elementBytes))
      // Keys past the mask are masked.
      if let columns = mask.shape.last, columns > 1, columns < plan.sizes.keys { plan.visible.lengths = [columns] }
    }
    if context.has(6) {
      let lengths = try context.input(6)
      guard lengths.count == plan.sizes.batch else {
        throw .invalid("\(lengths.count) lengths for \(plan.sizes.batch) samples")
      }
      plan.lengths = (6, try context.integerType(6))
    }
    plan.cap = Double(context.node.float("softcap") ?? 0)
    if context.hasOutput(3) {
      // Bounding comes before masking, so the third mode is masked and bounded.
      let steps: [ScoreOutput<Float>.Step] = [.products, .capped, .biased, .weights]
      let mode = Int(context.node.int("qk_matmul_output_mode", default: 0))
      guard steps.indices.contains(mode) else { throw .invalid("qk_matmul_output_mode is \(mode)") }
      plan.scoreOutput = (3, steps[mode].rawValue)
    }
    return plan
  }

  /// What a query sees of the keys: a window ahead is causal attention whose diagonal lies so much further on, and one
  /// back counts from there.
  private func visibleKeys(_ node: Node, _ plan: AttentionPlan) throws(KernelError) -> VisibleKeys {
    func window(_ name: String) throws(KernelError) -> Int? {
      let size = node.int(name, default: -1)
      guard size >= -1 else { throw .invalid("\(name) is \(size), expected -1 or more") }
      // Longer than any sequence is as good as without an end.
      return size < 0 ? nil : Int(min(size, 1 << 40))
    }
    let (back, right) = (try window("left_window_size"), try window("right_window_size"))
    let ahead = node.int("is_causal", default: 0) != 0 ? 0 : right
    return VisibleKeys(
      isCausal: ahead != nil, window: back.map { $0 + 1 + (ahead ?? 0) },
      offsets: [plan.key.pastRows + (ahead ?? 0)], lengths: [plan.sizes.keys])
  }

  private func operands(_ context: KernelContext) throws(KernelError) -> AttentionPlan {
    try context.checkOneType([0, 1, 2, 4, 5])
    let query = try operand(context, 0, "q_num_heads")
    let key = try operand(context, 1, "kv_num_heads")
    let value = try operand(context, 2, "kv_num_heads")
    let shape = try context.input(0).shape
    let sizes = AttentionSizes(
      batch: shape[0], heads: query.heads, groups: key.heads, queries: query.rows, keys: key.rows,
      width: query.width, valueWidth: value.width)
    let strides: HeadStrides =
      shape.count == 4
      ? .apart(heads: sizes.heads, positions: sizes.queries, width: sizes.valueWidth)
      : .sideBySide(
        positions: sizes.queries, columns: sizes.heads * sizes.valueWidth, width: sizes.valueWidth)
    return try AttentionPlan(
      sizes: sizes, query: query, key: key, value: value, output: HeadPlace(place: .output(0), strides: strides),
      scale: context.node.float("scale").map { Double($0) } ?? 1 / Double(sizes.width).squareRoot())
  }

  private func operand(
    _ context: KernelContext, _ input: Int, _ attribute: String
  ) throws(KernelError) -> AttentionPlan.Operand {
    let shape = try context.input(input).shape
    if shape.count == 4 {
      return AttentionPlan.Operand(
        HeadPlace(place: .input(input), strides: .apart(heads: shape[1], positions: shape[2], width: shape[3])),
        batch: shape[0], rows: shape[2], heads: shape[1], width: shape[3])
    }
    let heads = Int(context.node.int(attribute, default: 0))
    guard shape.count == 3, heads > 0, heads < 1 << 31, shape[2] % heads == 0 else {
      throw .invalid("\(attribute) is \(heads) for an input of shape \(shape)")
    }
    return AttentionPlan.Operand(
      HeadPlace(
        place: .input(input), strides: .sideBySide(positions: shape[1], columns: shape[2], width: shape[2] / heads)),
      batch: shape[0], rows: shape[1], heads: heads, width: shape[2] / heads)
  }

  private func addCaches(_ plan: inout AttentionPlan, _ context: KernelContext) throws(KernelError) {
    guard context.has(4), context.has(5) else { return }
    try plan.addPast(\.key, .input(4), shape: context.input(4).shape)
    try plan.addPast(\.value, .input(5), shape: context.input(5).shape)
    try plan.countPast()
  }

  private func present(_ output: Int, _ operand: AttentionPlan.Operand, _ context: KernelContext) -> HeadPlace? {
    guard context.hasOutput(output) else { return nil }
    return HeadPlace(
      place: .output(output),
      strides: .apart(heads: operand.heads, positions: operand.rows + operand.pastRows, width: operand.width))
  }
}
