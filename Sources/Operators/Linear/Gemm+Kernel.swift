import IR
import Kernels

extension Gemm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch try context.input(0).type {
    case .float: try run(Float.self, context)
    case .double: try run(Double.self, context)
    default: throw .unsupported("Gemm of type \(try context.input(0).type)")
    }
  }

  private func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let product = try context.matrixProduct()
    let output = try context.output().shape
    let (rows, columns) = (output[0], output[1])
    let transposeA = context.node.int("transA", default: 0) != 0
    let transposeB = context.node.int("transB", default: 0) != 0
    let inner = try context.input(0).shape[transposeA ? 0 : 1]
    let alpha = T(context.node.float("alpha") ?? 1)
    let beta = context.has(2) ? T(context.node.float("beta") ?? 1) : 0
    let bias = try context.has(2) ? biasStrides(context.input(2).shape, rows, columns) : nil
    return Kernel { arguments throws(KernelError) in
      let c = arguments.output(0, as: T.self)
      if let bias {
        let values = arguments.input(2, as: T.self)
        for row in 0..<rows {
          for column in 0..<columns { c[row * columns + column] = values[row * bias.row + column * bias.column] }
        }
      }
      product(
        rows: rows, columns: columns, inner: inner, alpha: alpha,
        .init(arguments.input(0), leading: max(1, transposeA ? rows : inner), isTransposed: transposeA),
        .init(arguments.input(1), leading: max(1, transposeB ? inner : columns), isTransposed: transposeB), beta: beta,
        c, leading: columns, workers: arguments.workers)
    }
  }

  private func biasStrides(_ shape: [Int], _ rows: Int, _ columns: Int) throws(KernelError) -> (row: Int, column: Int) {
    let width = shape.last ?? 1
    let height = shape.count > 1 ? shape[shape.count - 2] : 1
    guard shape.count <= 2, width == 1 || width == columns, height == 1 || height == rows else {
      throw .invalid("the bias of shape \(shape) does not broadcast to [\(rows), \(columns)]")
    }
    return (height == 1 ? 0 : width, width == 1 ? 0 : 1)
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient(), let a = context.node.input(0), let b = context.node.input(1) else {
      return
    }
    let transposeA = context.node.int("transA", default: 0) != 0
    let transposeB = context.node.int("transB", default: 0) != 0
    let alpha = context.node.float("alpha") ?? 1
    func multiply(_ x: ValueID, _ y: ValueID, _ turnX: Bool, _ turnY: Bool) -> ValueID {
      context.emit(
        .own("MatrixMultiply"), x, y,
        attributes: [
          Attribute(name: "transA", value: .int(turnX ? 1 : 0)), Attribute(name: "transB", value: .int(turnY ? 1 : 0)),
          Attribute(name: "alpha", value: .float(alpha)),
        ])
    }
    if context.wants(0) {
      context.accumulate(
        transposeA ? multiply(b, gradient, transposeB, true) : multiply(gradient, b, false, !transposeB), to: 0)
    }
    if context.wants(1) {
      context.accumulate(
        transposeB ? multiply(gradient, a, true, transposeA) : multiply(a, gradient, !transposeA, false), to: 1)
    }
    guard context.wants(2) else { return }
    let beta = Double(context.node.float("beta") ?? 1)
    let scaled = beta == 1 ? gradient : context.emit(OperatorName("Mul"), gradient, context.scalar(beta))
    try context.accumulate(broadcast: scaled, of: try context.outputShape(), to: 2)
  }
}
