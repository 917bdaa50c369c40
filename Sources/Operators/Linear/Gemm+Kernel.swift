import IR
import Kernels

extension Gemm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.kernel(context, activation: .none)
  }

  /// - Parameter activation: of the result.
  static func kernel(
    _ context: KernelContext, activation: FusedActivationKernels.Kind
  ) throws(KernelError) -> Kernel {
    try kernel(try context.real(0), context, activation)
  }

  private static func kernel<T: Real>(
    _: T.Type, _ context: KernelContext, _ activation: FusedActivationKernels.Kind
  ) throws(KernelError) -> Kernel {
    let (a, b, y) = (try context.input(0).shape, try context.input(1).shape, try context.output().shape)
    let transposeA = context.node.int("transA", default: 0) != 0
    let transposeB = context.node.int("transB", default: 0) != 0
    guard a.count == 2, b.count == 2, y.count == 2 else { throw .invalid("operands of shapes \(a) and \(b)") }
    let (rows, columns, inner) = (y[0], y[1], a[transposeA ? 0 : 1])
    guard y == [a[transposeA ? 1 : 0], b[transposeB ? 0 : 1]], inner == b[transposeB ? 1 : 0] else {
      throw .invalid("operands of shapes \(a) and \(b) for a result of shape \(y)")
    }
    try context.checkOneType([0, 1, 2])
    let product = try context.matrixProduct()
    let alpha = T(context.node.float("alpha") ?? 1)
    let beta = T(context.node.float("beta") ?? 1)
    let addend = context.has(2) && beta != 0 ? try Broadcast(checked: [context.input(2).shape], to: y) : nil
    return Kernel { arguments throws(KernelError) in
      let result = arguments.output(0, as: T.self)
      if let addend {
        let (values, step) = (arguments.input(2, as: T.self), addend.rowStrides[0])
        addend.forEachRow(arguments.workers, grain: 32_768) { starts, output, count in
          for index in 0..<count { result[output + index] = values[starts[0] + index * step] }
        }
      }
      product(
        rows: rows, columns: columns, inner: inner, alpha: alpha,
        .init(arguments.input(0), leading: max(1, a[1]), isTransposed: transposeA),
        .init(arguments.input(1), leading: max(1, b[1]), isTransposed: transposeB), beta: addend == nil ? 0 : beta,
        result, leading: columns, workers: arguments.workers)
      FusedActivationKernels.apply(activation, result, rows * columns, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    try Self.differentiate(&context, gradient)
  }

  /// - Parameter gradient: that of the product, before any activation.
  static func differentiate(_ context: inout GradientContext, _ gradient: ValueID) throws(OperatorError) {
    guard let a = context.node.input(0), let b = context.node.input(1) else { return }
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
