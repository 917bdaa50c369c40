import IR
import Kernels

/// What an attention computes, worked out for given shapes; all spellings of attention come down to it.
struct AttentionPlan: Sendable {
  /// Queries, keys or values: rows of a tensor, read in place or gathered first.
  struct Operand: Sendable {
    var source: HeadPlace
    var batch: Int
    var rows: Int
    var heads: Int
    var width: Int
    /// What is added to every row: an input and where in it.
    var bias: (input: Int, offset: Int)?
    /// Rows from before, which come first.
    var past: HeadPlace?
    var pastRows = 0
    /// Where all rows are gathered; `nil` where they are read in place.
    var target: HeadPlace?

    /// Where the attention reads.
    var place: HeadPlace { target ?? source }

    init(_ source: HeadPlace, batch: Int, rows: Int, heads: Int, width: Int) {
      (self.source, self.batch, self.rows, self.heads, self.width) = (source, batch, rows, heads, width)
    }

    func gather<T: Real>(_ arguments: KernelArguments, batch: Int, as type: T.Type) {
      guard let target else { return }
      if let past {
        HeadCopies.copy(
          past.rows(arguments) as HeadRows<T>, to: target.mutableRows(arguments), batch: batch, heads: heads,
          rows: pastRows, width: width, workers: arguments.workers)
      }
      HeadCopies.copy(
        source.rows(arguments) as HeadRows<T>, to: target.from(row: pastRows).mutableRows(arguments), batch: batch,
        heads: heads, rows: rows, width: width, bias: bias.map { arguments.input($0.input) + $0.offset },
        workers: arguments.workers)
    }
  }

  var sizes: AttentionSizes
  var query: Operand
  var key: Operand
  var value: Operand
  var output: HeadPlace
  var scale: Double
  var cap = 0.0
  var capsFirst = true
  var biases: [ScoreMask] = []
  var visible: VisibleKeys
  /// An input that gives the number of keys of each sample. The last of them is where its last query is, unless there
  /// is a cache in front.
  var lengths: (input: Int, type: DataType)?
  var sinks: Int?
  var scoreOutput: (output: Int, step: Int)?
  var scratch = ScratchLayout()

  init(
    sizes: AttentionSizes, query: Operand, key: Operand, value: Operand, output: HeadPlace, scale: Double
  ) throws(KernelError) {
    (self.sizes, self.query, self.key, self.value) = (sizes, query, key, value)
    (self.output, self.scale) = (output, scale)
    visible = VisibleKeys(lengths: [sizes.keys])
    try check()
  }

  /// Refuses operands that do not belong together: all of them are read for every sample and every head.
  private func check() throws(KernelError) {
    guard query.batch == key.batch, key.batch == value.batch else {
      throw .invalid("queries have \(query.batch) samples, keys \(key.batch), values \(value.batch)")
    }
    guard query.heads == sizes.heads, key.heads == sizes.groups, value.heads == sizes.groups, sizes.groups > 0,
      sizes.heads % sizes.groups == 0
    else {
      throw .invalid("queries have \(query.heads) heads, keys \(key.heads), values \(value.heads)")
    }
    guard key.rows == value.rows else { throw .invalid("there are \(key.rows) keys and \(value.rows) values") }
    guard query.width == key.width else {
      throw .invalid("heads of queries are \(query.width) wide, those of keys \(key.width)")
    }
  }

  /// Puts a cache in front of keys or values.
  /// - Parameter shape: `[batch, heads, positions, width]`.
  mutating func addPast(
    _ operand: WritableKeyPath<AttentionPlan, Operand>, _ place: TensorPlace, offset: Int = 0, shape: [Int]
  ) throws(KernelError) {
    let part = self[keyPath: operand]
    guard shape.count == 4, shape[0] == part.batch, shape[1] == part.heads, shape[3] == part.width else {
      throw .invalid("a cache of shape \(shape)")
    }
    self[keyPath: operand].past = HeadPlace(
      place: place, offset: offset, strides: .apart(heads: shape[1], positions: shape[2], width: shape[3]))
    self[keyPath: operand].pastRows = shape[2]
  }

  /// Counts the keys of a cache too.
  mutating func countPast() throws(KernelError) {
    guard key.pastRows == value.pastRows else {
      throw .invalid("the cache holds \(key.pastRows) keys and \(value.pastRows) values")
    }
    sizes.keys = key.rows + key.pastRows
  }

  /// Gives an operand that has a bias or a past a place of its own, in scratch memory where no output is one.
  mutating func gather(
    _ operand: WritableKeyPath<AttentionPlan, Operand>, to output: HeadPlace? = nil, elementBytes: Int
  ) {
    let part = self[keyPath: operand]
    guard output != nil || part.bias != nil || part.past != nil else { return }
    let rows = part.rows + part.pastRows
    self[keyPath: operand].target =
      output
      ?? HeadPlace(
        place: scratch.reserve(sizes.batch * part.heads * rows * part.width * elementBytes),
        strides: .apart(heads: part.heads, positions: rows, width: part.width))
  }

  // MARK: Computing

  func rule<T: Real>(_ arguments: KernelArguments, as type: T.Type) throws(KernelError) -> ScoreRule<T> {
    var rule = ScoreRule(scale: T(scale), visible: visible)
    rule.cap = T(cap)
    rule.capsFirst = capsFirst
    for bias in biases { rule.biases.append(bias.prepare(arguments)) }
    if let lengths {
      let given = integers(arguments, lengths.input, lengths.type, sizes.batch)
      for length in given where length < 0 || length > sizes.keys {
        throw .invalid("a sample has \(length) keys, the tensor \(sizes.keys)")
      }
      // A mask may speak of fewer keys.
      rule.visible.lengths = given.map { min($0, visible.lengths[0]) }
      if key.past == nil { rule.visible.offsets = given.map { $0 - sizes.queries + visible.offsets[0] } }
    }
    if let sinks { rule.sinks = arguments.input(sinks) }
    return rule
  }

  /// The kernel, once all scratch memory of the operands is reserved. `prepare` runs first.
  func kernel<T: Real>(
    _ product: MatrixProduct, as type: T.Type,
    prepare: @escaping @Sendable (KernelArguments) throws(KernelError) -> Void = { _ throws(KernelError) in }
  ) -> Kernel {
    var plan = self
    let weights = plan.scratch.reserve(
      Attention.forwardScratchBytes(sizes, elementBytes: MemoryLayout<T>.stride))
    return Kernel(scratchBytes: plan.scratch.byteCount) { [plan] arguments throws(KernelError) in
      try prepare(arguments)
      for operand in [plan.query, plan.key, plan.value] {
        operand.gather(arguments, batch: plan.sizes.batch, as: T.self)
      }
      try plan.attend(arguments, product, weights: weights, as: T.self)
    }
  }

  func attend<T: Real>(
    _ arguments: KernelArguments, _ product: MatrixProduct, weights: TensorPlace, smooth: TensorPlace? = nil,
    as type: T.Type
  ) throws(KernelError) {
    var rule = try rule(arguments, as: T.self)
    if let smooth { rule.sinks = UnsafePointer(smooth.elements(arguments)) }
    Attention.forward(
      sizes, query: query.place.rows(arguments) as HeadRows<T>, key: key.place.rows(arguments),
      value: value.place.rows(arguments), rule: rule, output: output.mutableRows(arguments),
      scoreOutput: scoreOutput.flatMap { shown in
        ScoreOutput<T>.Step(rawValue: shown.step).map { ScoreOutput(arguments.output(shown.output), after: $0) }
      }, scratch: weights.elements(arguments), product: product, workers: arguments.workers)
  }
}

/// Integers of an input of 32 or 64 bits.
func integers(_ arguments: KernelArguments, _ input: Int, _ type: DataType, _ count: Int) -> [Int] {
  if type == .int64 {
    let values = arguments.input(input, as: Int64.self)
    return (0..<count).map { Int(values[$0]) }
  }
  let values = arguments.input(input, as: Int32.self)
  return (0..<count).map { Int(values[$0]) }
}
