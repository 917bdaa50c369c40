import IR
import Kernels

extension QGemm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(3))
    let transposed = (isTransposed(context.node, "transA"), isTransposed(context.node, "transB"))
    guard !transposed.0, a.rank == 2, b.rank == 2 else { throw .unsupported("a first operand that is transposed") }
    let (aType, bType) = (a.type, b.type)
    let matrices = try IntegerMatrices(
      context, a: a.shape, b: transposed.1 ? b.shape.reversed() : b.shape, keepsSums: false)
    let aScale = try Quantization(context, scale: 1, zeroPoint: 2, type: aType)
    guard let bScales = NumberInput(context, 4), bScales.count == 1 || bScales.count == matrices.columns,
      let bZeros = NumberInput(context, 5), bZeros.count == 1 || !transposed.1
    else { throw .unsupported("scales that are not one number or one for each column") }
    let (rows, columns) = (matrices.rows, matrices.columns)
    try matrices.checkZeros(context, b: (5, bType))
    try context.check(6, "a bias", counts: [1, rows, columns, rows * columns], type: .int32)
    let bias = NumberInput(context, 6)
    let output = try context.output().type
    let yScale =
      context.has(7) && context.has(8) ? try Quantization(context, scale: 7, zeroPoint: 8, type: output) : nil
    let alpha = context.node.float("alpha") ?? 1
    return Kernel(scratchBytes: matrices.layout.byteCount) { arguments throws(KernelError) in
      let (a1, aZero) = aScale.values(arguments)
      matrices.widenA(arguments, 0, aType, zeros: [aZero])
      matrices.widenB(arguments, 3, bType, zeros: bZeros.ints(arguments))
      let sums = matrices.multiply(arguments, transposeB: transposed.1)
      if let bias { matrices.add(bias.ints(arguments), to: sums) }
      let scales = bScales.floats(arguments).map { alpha * a1 * $0 }
      if let yScale {
        let (y1, yZero) = yScale.values(arguments)
        requantize(
          arguments, sums, rows: matrices.rows, columns: matrices.columns, scales: scales.map { $0 / y1 },
          zero: yZero, type: output)
      } else if output == .double {
        matrices.scale(sums, scales, nil, arguments.output(0, as: Double.self))
      } else {
        matrices.scale(sums, scales, nil, arguments.output(0, as: Float.self))
      }
    }
  }

  private func isTransposed(_ node: Node, _ attribute: String) -> Bool { node.int(attribute, default: 0) != 0 }
}

extension IntegerMatrices {
  /// Adds integers that broadcast to a matrix of the result.
  func add(_ bias: [Int32], to sums: UnsafeMutablePointer<Int32>) {
    for row in 0..<rows {
      for column in 0..<columns {
        let index =
          switch bias.count {
          case 1: 0
          case columns: column
          case rows: row
          default: row * columns + column
          }
        sums[row * columns + column] &+= bias[index]
      }
    }
  }
}
