import IR
import Kernels

extension RotaryEmbedding {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      try rotation(context, direction: 1).kernel(as: T.self)
    }
    return try make(context.real(0))
  }

  private func rotation(_ context: KernelContext, direction: Int) throws(KernelError) -> Rotation {
    let isStandard = context.node.canonicalDomain.isEmpty
    let x = try context.input(0).shape
    let cache = try context.input(isStandard ? 1 : 2)
    guard let cached = cache.shape.last, x.count == 3 || x.count == 4 else {
      throw .invalid("an input of \(x.count) axes")
    }
    guard try context.input(isStandard ? 2 : 3).shape == cache.shape else {
      throw .invalid("its tables have different shapes")
    }
    try context.checkOneType(isStandard ? [0, 1, 2] : [0, 2, 3])
    let part = Int(context.node.int("rotary_embedding_dim", default: 0))
    let heads = Int(context.node.int("num_heads", default: 0))
    let width: Int
    if x.count == 4 {
      width = x[3]
    } else if heads > 0 {
      width = x[2] / heads
    } else {
      width = 2 * cached
    }
    let rotated = part > 0 ? part : width
    guard width > 0, rotated <= width, rotated / 2 <= cached, x[x.count - 1] % width == 0 else {
      throw .invalid("heads of \(width) with rotations of \(cached)")
    }
    let count = x.count == 4 ? x[1] : x[2] / width
    return Rotation(
      batch: x[0], heads: count, rows: x.count == 4 ? x[2] : x[1], width: width,
      strides: x.count == 4
        ? .apart(heads: count, positions: x[2], width: width)
        : .sideBySide(positions: x[1], columns: x[2], width: width),
      tables: isStandard ? (1, 2) : (2, 3), cached: cached, cachedRows: cache.count / max(1, cached), rotated: rotated,
      isInterleaved: context.node.int("interleaved", default: 0) != 0,
      positions: try positions(context, isStandard ? 3 : 1, count: x[0] * (x.count == 4 ? x[2] : x[1])))
  }

  private func positions(_ context: KernelContext, _ input: Int, count: Int) throws(KernelError) -> Rotation.Positions {
    guard context.has(input) else { return .ownRows }
    let operand = try context.input(input)
    guard operand.count == 1 || operand.count == count else {
      throw .invalid("\(operand.count) positions for \(count) rows")
    }
    let type = try context.integerType(input)
    return operand.count == 1 ? .from(input, type) : .listed(input, type)
  }
}

/// A rotation of all heads of a tensor, worked out for given shapes.
struct Rotation: Sendable {
  enum Positions: Sendable {
    /// The table has a row for every sample and position.
    case ownRows
    /// The first position; the others follow.
    case from(Int, DataType)
    /// The position of each sample and row.
    case listed(Int, DataType)
  }

  var batch: Int
  var heads: Int
  var rows: Int
  var width: Int
  var strides: HeadStrides
  var tables: (cosines: Int, sines: Int)
  var cached: Int
  var cachedRows: Int
  var rotated: Int
  var isInterleaved: Bool
  var positions: Positions

  func kernel<T: Real>(as type: T.Type) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let positions = try self.positions(arguments)
      let table = Rotary.Table<T>(
        cosines: arguments.input(tables.cosines), sines: arguments.input(tables.sines), stride: cached,
        rotated: rotated, isInterleaved: isInterleaved)
      Rotary.rotate(
        HeadRows(arguments.input(0), strides), to: MutableHeadRows(arguments.output(0), strides), batch: batch,
        heads: heads, rows: rows, width: width, positions: positions, table: table, workers: arguments.workers)
    }
  }

  private func positions(_ arguments: KernelArguments) throws(KernelError) -> [Int] {
    let count = batch * rows
    let result: [Int]
    switch positions {
    case .ownRows:
      result = Array(0..<count)
    case .from(let input, let type):
      let first = integers(arguments, input, type, 1)[0]
      guard first >= 0, first < cachedRows else {
        throw .invalid("position \(first) is outside a table of \(cachedRows) rotations")
      }
      result = (0..<count).map { first + $0 % rows }
    case .listed(let input, let type):
      result = integers(arguments, input, type, count)
    }
    for position in result where position < 0 || position >= cachedRows {
      throw .invalid("position \(position) is outside a table of \(cachedRows) rotations")
    }
    return result
  }
}

extension RotaryEmbedding {
  /// The gradient turns back: the same rotation with negative sines.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    let isStandard = context.node.canonicalDomain.isEmpty
    let (cosines, sines) = isStandard ? (1, 2) : (2, 3)
    guard !context.wants(cosines), !context.wants(sines) else {
      throw OperatorError("the tables of RotaryEmbedding have no gradient")
    }
    guard let table = context.node.input(sines) else { return }
    var inputs = context.node.inputs
    inputs[0] = above
    inputs[sines] = context.emit(OperatorName("Neg"), table)
    let name = OperatorName("RotaryEmbedding", domain: context.node.canonicalDomain)
    let gradient = context.emit(name, inputs, outputs: 1, attributes: context.node.attributes)
    context.accumulate(gradient[0], to: 0)
  }
}
