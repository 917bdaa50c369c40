import IR
import Kernels

extension EmbedLayerNormalization {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    guard context.node.opType == "EmbedLayerNormalization" else {
      throw .unsupported("QEmbedLayerNormalization is not computed")
    }
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(2))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let lookup = try EmbeddingLookup(context)
    let rule = SkipNormalization.Rule(epsilon: Double(context.node.float("epsilon") ?? 1e-12), keepsMean: false)
    let (givesSum, counts) = (context.hasOutput(2), context.hasOutput(1))
    let hasMask = context.has(7)
    _ = (try context.input(5), try context.input(6))
    for input in 5..<7 {
      try context.check(input, "a scale or shift", counts: [lookup.width], type: context.input(2).type)
    }
    try context.check(7, "a mask", counts: [lookup.rows], type: .int32)
    var scratch = ScratchLayout()
    let sums = givesSum ? TensorPlace.output(2) : scratch.reserve(lookup.rows * lookup.width * MemoryLayout<T>.stride)
    let zeros = scratch.reserve(lookup.width * MemoryLayout<T>.stride)
    return Kernel(scratchBytes: scratch.byteCount) { arguments throws(KernelError) in
      let sum: UnsafeMutablePointer<T> = sums.elements(arguments)
      try lookup.run(arguments, sum)
      let nothing: UnsafeMutablePointer<T> = zeros.elements(arguments)
      nothing.update(repeating: 0, count: lookup.width)
      let operands = SkipNormalization.Operands<T>(
        x: UnsafePointer(sum), skip: UnsafePointer(nothing), skipRows: 1, bias: nil, scale: arguments.input(5),
        shift: arguments.input(6))
      SkipNormalization.forward(
        operands, rule: rule, rows: lookup.rows, width: lookup.width, arguments.output(0), .init(),
        workers: arguments.workers)
      if counts { lookup.countMask(arguments, hasMask: hasMask) }
    }
  }
}

/// The sum of the rows of tables that a text's words, positions and segments name.
private struct EmbeddingLookup: Sendable {
  let (batch, length, width): (Int, Int, Int)
  let sizes: [Int]
  let (hasSegments, hasPositions): (Bool, Bool)
  /// Whether one list of positions is for all samples.
  let sharesPositions: Bool

  var rows: Int { batch * length }

  init(_ context: KernelContext) throws(KernelError) {
    let ids = try context.input(0)
    let words = try context.input(2)
    guard ids.rank == 2, ids.type == .int32, let width = words.shape.last else {
      throw .unsupported("words of type \(ids.type) and shape \(ids.shape)")
    }
    (batch, length, self.width) = (ids.shape[0], ids.shape[1], width)
    var sizes: [Int] = []
    for input in 2..<5 {
      let table = context.has(input) ? try context.input(input) : nil
      if let table, table.rank != 2 || table.shape[1] != width || table.type != words.type {
        throw .invalid("a table of shape \(table.shape) and type \(table.type) for words \(width) wide")
      }
      sizes.append(table?.shape[0] ?? 0)
    }
    try context.check(1, "segments", counts: [ids.count], type: .int32)
    try context.check(8, "positions", counts: [ids.shape[1], ids.count], type: .int32)
    self.sizes = sizes
    hasSegments = context.has(1) && context.has(4)
    hasPositions = context.has(8)
    sharesPositions = hasPositions ? try context.input(8).count == length : false
  }

  func run<T: Real>(_ arguments: KernelArguments, _ sum: UnsafeMutablePointer<T>) throws(KernelError) {
    let words = arguments.input(0, as: Int32.self)
    let segments = hasSegments ? arguments.input(1, as: Int32.self) : nil
    let positions = hasPositions ? arguments.input(8, as: Int32.self) : nil
    for row in 0..<rows {
      let position = positions.map { Int($0[sharesPositions ? row % length : row]) } ?? row % length
      let indices = [Int(words[row]), position, segments.map { Int($0[row]) }]
      for (table, index) in indices.enumerated() {
        guard let index else { continue }
        guard index >= 0, index < sizes[table] else {
          throw .invalid("index \(index) is outside a table of \(sizes[table]) rows")
        }
        let from = arguments.input(2 + table, as: T.self) + index * width
        let into = sum + row * width
        if table == 0 {
          into.update(from: from, count: width)
        } else {
          for column in 0..<width { into[column] += from[column] }
        }
      }
    }
  }

  /// How many positions of each sample the mask keeps.
  func countMask(_ arguments: KernelArguments, hasMask: Bool) {
    let counts = arguments.output(1, as: Int32.self)
    for sample in 0..<batch {
      guard hasMask else {
        counts[sample] = 0
        continue
      }
      let mask = arguments.input(7, as: Int32.self) + sample * length
      counts[sample] = Int32((0..<length).count { mask[$0] == 1 })
    }
  }
}
