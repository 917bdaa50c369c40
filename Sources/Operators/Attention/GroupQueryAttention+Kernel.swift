import IR
import Kernels

extension GroupQueryAttention {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    for (input, what) in [(9, "positions of its own"), (12, "a quantized cache"), (14, "normalized heads")]
    where context.has(input) && (input != 9 || context.node.int("do_rotary", default: 0) != 0) {
      throw .unsupported("GroupQueryAttention with \(what)")
    }
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let plan = try GroupedPlan(context, elementBytes: MemoryLayout<T>.stride)
      return plan.kernel(try context.matrixProduct(), as: T.self)
    }
    return try make(context.real(0))
  }
}

/// An attention with a cache whose filled part differs from sample to sample.
private struct GroupedPlan: Sendable {
  var plan: AttentionPlan
  /// Queries and keys after rotation.
  var rotated: (query: HeadPlace, key: HeadPlace)?
  var rotation: Rotation?
  /// The caches before, with the rows they have room for.
  var past: (key: HeadPlace, value: HeadPlace, rows: Int)?
  var present: (key: HeadPlace, value: HeadPlace)
  var lengths: (input: Int, type: DataType)
  var total: (input: Int, type: DataType)
  /// Zeros that count as sinks where the softmax is smooth.
  var smooth: TensorPlace?

  init(_ context: KernelContext, elementBytes: Int) throws(KernelError) {
    let heads = Int(context.node.int("num_heads", default: 0))
    let groups = Int(context.node.int("kv_num_heads", default: 0))
    let query = try context.input(0).shape
    guard heads > 0, heads < 1 << 31, groups > 0, heads % groups == 0, query.count == 3 else {
      throw .invalid("its heads are not known")
    }
    try context.checkOneType([0, 1, 2, 3, 4, 7, 8, 10, 11])
    let isPacked = !context.has(1)
    let width = query[2] / (isPacked ? heads + 2 * groups : heads)
    func operand(_ input: Int, _ count: Int, offset: Int) throws(KernelError) -> AttentionPlan.Operand {
      let shape = try context.input(input).shape
      guard shape.count == 3, shape[1] == query[1], shape[2] == (isPacked ? heads + 2 * groups : count) * width else {
        throw .invalid("input \(input) has shape \(shape), the queries \(query)")
      }
      return AttentionPlan.Operand(
        HeadPlace(
          place: .input(input), offset: offset,
          strides: .sideBySide(positions: shape[1], columns: shape[2], width: width)),
        batch: shape[0], rows: shape[1], heads: count, width: width)
    }
    let key = try operand(isPacked ? 0 : 1, groups, offset: isPacked ? heads * width : 0)
    let value = try operand(isPacked ? 0 : 2, groups, offset: isPacked ? (heads + groups) * width : 0)
    guard try context.input(5).count == query[0], try context.input(6).count == 1 else {
      throw .invalid("its lengths are not those of \(query[0]) samples")
    }
    lengths = (5, try context.integerType(5))
    total = (6, try context.integerType(6))
    let past = try Self.pastRows(context, batch: query[0], groups: groups, width: width)
    let rows = try Self.presentRows(context, [query[0], groups, width]) ?? past + query[1]
    let scale = context.node.float("scale").flatMap { $0 == 0 ? nil : Double($0) }
    plan = try AttentionPlan(
      sizes: AttentionSizes(
        batch: query[0], heads: heads, groups: groups, queries: query[1], keys: rows, width: width, valueWidth: width),
      query: try operand(0, heads, offset: 0), key: key, value: value,
      output: HeadPlace(
        place: .output(0), strides: .sideBySide(positions: query[1], columns: heads * width, width: width)),
      scale: scale ?? 1 / Double(width).squareRoot())
    present = Self.present(context, &plan, elementBytes)
    if context.has(3) {
      let strides = HeadStrides.apart(heads: groups, positions: past, width: width)
      self.past = (HeadPlace(place: .input(3), strides: strides), HeadPlace(place: .input(4), strides: strides), past)
    }
    try addRule(context, elementBytes)
    if context.node.int("do_rotary", default: 0) != 0 { try addRotation(context, elementBytes) }
  }

  /// The rows that the caches before have room for.
  private static func pastRows(
    _ context: KernelContext, batch: Int, groups: Int, width: Int
  ) throws(KernelError) -> Int {
    guard context.has(3) else { return 0 }
    let (keys, values) = (try context.input(3).shape, try context.input(4).shape)
    guard keys == values, keys.count == 4, keys[0] == batch, keys[1] == groups, keys[3] == width else {
      throw .invalid("caches of shapes \(keys) and \(values)")
    }
    return keys[2]
  }

  /// The rows of the caches that are outputs.
  private static func presentRows(_ context: KernelContext, _ sizes: [Int]) throws(KernelError) -> Int? {
    var rows: Int?
    for output in 1..<3 where context.hasOutput(output) {
      let shape = try context.output(output).shape
      guard shape.count == 4, [shape[0], shape[1], shape[3]] == sizes, rows ?? shape[2] == shape[2] else {
        throw .invalid("output \(output) has shape \(shape), its samples, heads and width are \(sizes)")
      }
      rows = shape[2]
    }
    return rows
  }

  private static func present(
    _ context: KernelContext, _ plan: inout AttentionPlan, _ elementBytes: Int
  ) -> (key: HeadPlace, value: HeadPlace) {
    let sizes = plan.sizes
    func place(_ output: Int) -> HeadPlace {
      HeadPlace(
        place: context.hasOutput(output)
          ? .output(output)
          : plan.scratch.reserve(sizes.batch * sizes.groups * sizes.keys * sizes.width * elementBytes),
        strides: .apart(heads: sizes.groups, positions: sizes.keys, width: sizes.width))
    }
    return (place(1), place(2))
  }

  private mutating func addRule(_ context: KernelContext, _ elementBytes: Int) throws(KernelError) {
    let window = min(context.node.int("local_window_size", default: -1), 1 << 40)
    plan.visible = VisibleKeys(isCausal: true, window: window > 0 ? Int(window) : nil, lengths: [plan.sizes.keys])
    plan.cap = Double(context.node.float("softcap") ?? 0)
    if context.has(10) {
      plan.biases.append(
        try ScoreMask(
          broadcasting: context.input(10), input: 10, spelling: .numbers, sizes: plan.sizes,
          scratch: &plan.scratch, elementBytes: elementBytes))
    }
    if context.has(11) {
      guard try context.input(11).count == plan.sizes.heads else { throw .invalid("it has not one sink for each head") }
      plan.sinks = 11
    } else if context.node.int("smooth_softmax", default: 0) == 1 {
      smooth = plan.scratch.reserve(plan.sizes.heads * elementBytes)
    }
    guard context.hasOutput(3) else { return }
    switch context.node.int("qk_output", default: 0) {
    case 1: plan.scoreOutput = (3, ScoreOutput<Float>.Step.biased.rawValue)
    case 2: plan.scoreOutput = (3, ScoreOutput<Float>.Step.weights.rawValue)
    default: throw .unsupported("scores as an output without saying which")
    }
  }

  private mutating func addRotation(_ context: KernelContext, _ elementBytes: Int) throws(KernelError) {
    let cosines = try context.input(7)
    guard let cached = cosines.shape.last, cosines.rank == 2, 2 * cached <= plan.sizes.width,
      try context.input(8).shape == cosines.shape
    else {
      throw .invalid("rotations of shape \(cosines.shape)")
    }
    rotation = Rotation(
      batch: plan.sizes.batch, heads: plan.sizes.heads, rows: plan.sizes.queries, width: plan.sizes.width,
      strides: plan.query.source.strides, tables: (7, 8), cached: cached, cachedRows: cosines.shape[0],
      rotated: 2 * cached, isInterleaved: context.node.int("rotary_interleaved", default: 0) != 0,
      positions: .ownRows)
    var scratch = plan.scratch
    func place(_ operand: AttentionPlan.Operand) -> HeadPlace {
      HeadPlace(
        place: scratch.reserve(plan.sizes.batch * operand.heads * operand.rows * operand.width * elementBytes),
        strides: .apart(heads: operand.heads, positions: operand.rows, width: operand.width))
    }
    rotated = (place(plan.query), place(plan.key))
    plan.scratch = scratch
  }

  // MARK: Computing

  func kernel<T: Real>(_ product: MatrixProduct, as type: T.Type) -> Kernel {
    var plan = self
    let weights = plan.plan.scratch.reserve(
      Attention.forwardScratchBytes(plan.plan.sizes, elementBytes: MemoryLayout<T>.stride))
    return Kernel(scratchBytes: plan.plan.scratch.byteCount) { [plan] arguments throws(KernelError) in
      try plan.run(arguments, product, weights, as: T.self)
    }
  }

  private func run<T: Real>(
    _ arguments: KernelArguments, _ product: MatrixProduct, _ weights: TensorPlace, as type: T.Type
  ) throws(KernelError) {
    let sizes = plan.sizes
    let total = integers(arguments, self.total.input, self.total.type, 1)[0]
    // These are one less than the keys of each sample.
    let lengths = integers(arguments, self.lengths.input, self.lengths.type, sizes.batch)
    for length in lengths where length < -1 || length >= sizes.keys {
      throw .invalid("seqlens_k has a sample end at key \(length), its cache has room for \(sizes.keys)")
    }
    let ends = lengths.map { $0 + 1 }
    // A prompt starts anew whatever the cache has room for; otherwise rows follow those of before.
    let isPrompt = total == sizes.queries
    let starts = ends.map { isPrompt ? 0 : $0 - sizes.queries }
    for start in starts where start < 0 || start + sizes.queries > sizes.keys || start > (past?.rows ?? 0) {
      throw .invalid("a sample's keys end at \(start + sizes.queries), its cache has room for \(sizes.keys)")
    }
    var attention = plan
    try rotate(arguments, &attention, starts, as: T.self)
    fill(arguments, attention.key.place, past?.key, present.key, starts, as: T.self)
    fill(arguments, attention.value.place, past?.value, present.value, starts, as: T.self)
    attention.key.target = present.key
    attention.value.target = present.value
    attention.visible.offsets = starts
    if let smooth {
      let zeros: UnsafeMutablePointer<T> = smooth.elements(arguments)
      zeros.update(repeating: 0, count: sizes.heads)
    }
    try attention.attend(arguments, product, weights: weights, smooth: smooth, as: T.self)
  }

  private func rotate<T: Real>(
    _ arguments: KernelArguments, _ attention: inout AttentionPlan, _ starts: [Int], as type: T.Type
  ) throws(KernelError) {
    guard let rotation, let rotated else { return }
    let positions = starts.flatMap { start in (0..<plan.sizes.queries).map { start + $0 } }
    for position in positions where position >= rotation.cachedRows {
      throw .invalid("position \(position) is outside a table of \(rotation.cachedRows) rotations")
    }
    let table = Rotary.Table<T>(
      cosines: arguments.input(rotation.tables.cosines), sines: arguments.input(rotation.tables.sines),
      stride: rotation.cached, rotated: rotation.rotated, isInterleaved: rotation.isInterleaved)
    for (operand, target) in [(plan.query, rotated.query), (plan.key, rotated.key)] {
      Rotary.rotate(
        operand.source.rows(arguments) as HeadRows<T>, to: target.mutableRows(arguments), batch: plan.sizes.batch,
        heads: operand.heads, rows: operand.rows, width: operand.width, positions: positions, table: table,
        workers: arguments.workers)
    }
    attention.query.target = rotated.query
    attention.key.target = rotated.key
  }

  /// Writes a cache: what was there before, then the new rows, then zeros.
  private func fill<T: Real>(
    _ arguments: KernelArguments, _ source: HeadPlace, _ past: HeadPlace?, _ present: HeadPlace, _ starts: [Int],
    as type: T.Type
  ) {
    let sizes = plan.sizes
    let target: MutableHeadRows<T> = present.mutableRows(arguments)
    target.elements.update(repeating: 0, count: sizes.batch * sizes.groups * sizes.keys * sizes.width)
    if let past {
      HeadCopies.copy(
        past.rows(arguments), to: target, starts: starts.map { _ in 0 }, heads: sizes.groups, counts: starts,
        width: sizes.width)
    }
    HeadCopies.copy(
      source.rows(arguments), to: target, starts: starts, heads: sizes.groups,
      counts: starts.map { _ in sizes.queries }, width: sizes.width)
  }
}
