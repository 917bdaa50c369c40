import IR
import Kernels

extension FusedMatMul {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    guard !movesBatches(context.node) else { throw .unsupported("batches that change places with rows") }
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0).shape, try context.input(1).shape)
    // A transposition of a vector means nothing.
    let transposed = (isSet(context.node, "transA") && a.count > 1, isSet(context.node, "transB") && b.count > 1)
    let left = laidOut(a.count == 1 ? [1] + a : a, transposed: transposed.0)
    let right = laidOut(b.count == 1 ? b + [1] : b, transposed: transposed.1)
    guard left.count > 1, right.count > 1, left[left.count - 1] == right[right.count - 2] else {
      throw .invalid("operands of shapes \(a) and \(b)")
    }
    let (rows, inner, columns) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
    let batch = BatchPlaces(Array(left.dropLast(2)), Array(right.dropLast(2)))
    let alpha = T(context.node.float("alpha") ?? 1)
    let product = try context.matrixProduct()
    // One matrix for all rows of the first operand: a single, taller product.
    let isTall = batch.isShared && !transposed.0
    let height = isTall ? rows * batch.count : rows
    let count = isTall ? 1 : batch.count
    return Kernel { arguments throws(KernelError) in
      let (x, w): (UnsafePointer<T>, UnsafePointer<T>) = (arguments.input(0), arguments.input(1))
      let y: UnsafeMutablePointer<T> = arguments.output(0)
      func multiply(_ index: Int, _ workers: Workers) {
        let (first, second) = batch.places[index]
        product(
          rows: height, columns: columns, inner: inner, alpha: alpha,
          MatrixProduct.Operand(
            x + first * rows * inner, leading: transposed.0 ? rows : inner, isTransposed: transposed.0),
          MatrixProduct.Operand(
            w + second * inner * columns, leading: transposed.1 ? inner : columns, isTransposed: transposed.1),
          y + index * rows * columns, leading: columns, workers: workers)
      }
      if count < 4 {
        for index in 0..<count { multiply(index, arguments.workers) }
      } else {
        arguments.workers.forEachRange(of: count, grain: max(1, 1_000_000 / max(1, rows * columns * inner))) { range in
          for index in range { multiply(index, .one) }
        }
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient(), let a = context.node.input(0), let b = context.node.input(1) else { return }
    let (left, right) = (try context.shape(0), try context.shape(1))
    guard !movesBatches(context.node), left.count > 1, right.count > 1 else {
      throw OperatorError("a \(context.node.opType) of vectors has no gradient")
    }
    let transposed = (isSet(context.node, "transA"), isSet(context.node, "transB"))
    let alpha = context.node.float("alpha") ?? 1
    let batch = BatchPlaces(Array(left.dropLast(2)), Array(right.dropLast(2))).shape
    if context.wants(0) {
      let gradient =
        transposed.0
        ? context.product(b, above, transposeA: transposed.1, transposeB: true, alpha: alpha)
        : context.product(above, b, transposeB: !transposed.1, alpha: alpha)
      try context.accumulate(broadcast: gradient, of: batch + left.suffix(2), to: 0)
    }
    if context.wants(1) {
      let gradient =
        transposed.1
        ? context.product(above, a, transposeA: true, transposeB: transposed.0, alpha: alpha)
        : context.product(a, above, transposeA: !transposed.0, alpha: alpha)
      try context.accumulate(broadcast: gradient, of: batch + right.suffix(2), to: 1)
    }
  }
}

/// Which matrices of two operands meet in each matrix of a product whose leading axes broadcast.
struct BatchPlaces: Sendable {
  let shape: [Int]
  let places: [(a: Int, b: Int)]
  /// Whether the second operand is one matrix.
  let isShared: Bool

  var count: Int { places.count }

  init(_ a: [Int], _ b: [Int]) {
    let rank = max(a.count, b.count)
    let (a, b) = ([Int](repeating: 1, count: rank - a.count) + a, [Int](repeating: 1, count: rank - b.count) + b)
    isShared = b.allSatisfy { $0 == 1 }
    let shape = zip(a, b).map { $0 == 1 ? $1 : $0 }
    self.shape = shape
    var (first, second) = ([0], [0])
    for axis in 0..<rank {
      first = first.flatMap { index in (0..<shape[axis]).map { index * a[axis] + (a[axis] == 1 ? 0 : $0) } }
      second = second.flatMap { index in (0..<shape[axis]).map { index * b[axis] + (b[axis] == 1 ? 0 : $0) } }
    }
    places = zip(first, second).map { ($0, $1) }
  }
}
