import IR
import Kernels

extension ProjectedAttention {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    guard context.node.opType == "Attention" else { throw .unsupported("QAttention is not computed") }
    if context.has(6) || context.node.int("past_present_share_buffer", default: 0) != 0 {
      throw .unsupported("caches that are written in place")
    }
    guard context.node.int("do_rotary", default: 0) == 0 else { throw .unsupported("Attention that rotates heads") }
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let bytes = MemoryLayout<T>.stride
    let (x, weight) = (try context.input(0).shape, try context.input(1).shape)
    guard x.count == 3, weight.count == 2, weight[0] == x[2] else {
      throw .invalid("a weight of shape \(weight) for an input of shape \(x)")
    }
    let columns = weight[1]
    try context.checkOneType([0, 1, 2, 4, 5])
    try context.check(2, "a bias", counts: [columns])
    var scratch = ScratchLayout()
    let projected = scratch.reserve(x[0] * x[1] * columns * bytes)
    var plan = try plan(context, projected: projected, columns: columns, scratch: scratch)
    if context.has(4) { try addPast(&plan, context) }
    let isKept = context.hasOutput(1)
    plan.gather(\.key, to: isKept ? present(plan.key, part: 0, plan.sizes) : nil, elementBytes: bytes)
    plan.gather(\.value, to: isKept ? present(plan.value, part: 1, plan.sizes) : nil, elementBytes: bytes)
    plan.visible = VisibleKeys(
      isCausal: context.node.int("unidirectional", default: 0) != 0, offsets: [plan.key.pastRows],
      lengths: [plan.sizes.keys])
    try addMasks(&plan, context, bytes)
    let product = try context.matrixProduct()
    let bias = context.has(2)
    return plan.kernel(product, as: T.self) { arguments throws(KernelError) in
      let result: UnsafeMutablePointer<T> = projected.elements(arguments)
      if bias {
        Rows.fill(result, rows: x[0] * x[1], width: columns, with: arguments.input(2), workers: arguments.workers)
      }
      product(
        rows: x[0] * x[1], columns: columns, inner: x[2],
        MatrixProduct.Operand(arguments.input(0), leading: x[2]),
        MatrixProduct.Operand(arguments.input(1), leading: columns), beta: bias ? 1 : 0, result, leading: columns,
        workers: arguments.workers)
    }
  }

  /// Queries, keys and values side by side where the projection leaves them.
  private func plan(
    _ context: KernelContext, projected: TensorPlace, columns: Int, scratch: ScratchLayout
  ) throws(KernelError) -> AttentionPlan {
    guard let sizes = sizes(context.node, columns: .known(columns)) else {
      throw .invalid("its heads do not divide its projections")
    }
    let x = try context.input(0).shape
    let whole = AttentionSizes(
      batch: x[0], heads: sizes.heads, groups: sizes.heads, queries: x[1], keys: x[1], width: sizes.width,
      valueWidth: sizes.valueWidth)
    func part(_ offset: Int, _ width: Int) -> AttentionPlan.Operand {
      AttentionPlan.Operand(
        HeadPlace(
          place: projected, offset: offset, strides: .sideBySide(positions: x[1], columns: columns, width: width)),
        batch: x[0], rows: x[1], heads: sizes.heads, width: width)
    }
    let width = sizes.heads * sizes.width
    let scale = context.node.float("scale").flatMap { $0 == 0 ? nil : Double($0) }
    var plan = try AttentionPlan(
      sizes: whole, query: part(0, sizes.width), key: part(width, sizes.width),
      value: part(2 * width, sizes.valueWidth),
      output: HeadPlace(
        place: .output(0),
        strides: .sideBySide(positions: x[1], columns: sizes.heads * sizes.valueWidth, width: sizes.valueWidth)),
      scale: scale ?? 1 / Double(sizes.width).squareRoot())
    plan.scratch = scratch
    return plan
  }

  private func addPast(_ plan: inout AttentionPlan, _ context: KernelContext) throws(KernelError) {
    let shape = try context.input(4).shape
    guard shape.count == 5, shape[0] == 2, plan.sizes.width == plan.sizes.valueWidth else {
      throw .invalid("a cache of shape \(shape)")
    }
    let part = Array(shape.dropFirst())
    try plan.addPast(\.key, .input(4), shape: part)
    try plan.addPast(\.value, .input(4), offset: part.reduce(1, *), shape: part)
    try plan.countPast()
  }

  private func present(_ operand: AttentionPlan.Operand, part: Int, _ sizes: AttentionSizes) -> HeadPlace {
    let rows = operand.rows + operand.pastRows
    return HeadPlace(
      place: .output(1), offset: part * sizes.batch * sizes.heads * rows * operand.width,
      strides: .apart(heads: sizes.heads, positions: rows, width: operand.width))
  }

  private func addMasks(_ plan: inout AttentionPlan, _ context: KernelContext, _ bytes: Int) throws(KernelError) {
    if context.has(3) {
      plan.biases.append(
        try ScoreMask(
          contrib: context.input(3), input: 3, filter: Double(context.node.float("mask_filter_value") ?? -10_000),
          sizes: plan.sizes, scratch: &plan.scratch, elementBytes: bytes))
    }
    if context.has(5) {
      let bias = try context.input(5).shape
      guard let columns = bias.last, columns == 1 || columns == plan.sizes.keys else {
        throw .invalid("attention_bias of shape \(bias) for \(plan.sizes.keys) keys")
      }
      plan.biases.append(
        try ScoreMask(
          broadcasting: context.input(5), input: 5, spelling: .numbers, sizes: plan.sizes, scratch: &plan.scratch,
          elementBytes: bytes))
    }
  }
}
