import Dimensions
import IR
import Kernels

/// Batched op(A)·op(B) with operands transposed as they lie, and optionally a bias along the last axis: what `MatMul` and
/// its gradients are made of. Attributes `transA`, `transB`, `alpha`.
public struct MatrixMultiply: OwnOperator {
  public let names = [OperatorName.own("MatrixMultiply")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    func turned(_ shape: [Size]?, _ name: String) -> [Size]? {
      guard var shape, shape.count >= 2, context.node.int(name, default: 0) != 0 else { return shape }
      shape.swapAt(shape.count - 1, shape.count - 2)
      return shape
    }
    let (a, b) = (turned(context.shape(0), "transA"), turned(context.shape(1), "transB"))
    context.setOutput(type: context.type(0), shape: try MatMul.outputShape(&context, a, b))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try BatchedProduct.kernel(context)
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    let (a, b) = (try context.shape(0), try context.shape(1))
    guard context.node.float("alpha") ?? 1 == 1 else { throw OperatorError("a scaled product has no gradient") }
    try BatchedProduct.differentiate(
      &context, a, b,
      transposed: (context.node.int("transA", default: 0) != 0, context.node.int("transB", default: 0) != 0))
    guard context.wants(2), let gradient = context.gradient() else { return }
    context.accumulate(
      context.emit(.own("SumTo"), gradient, context.vector(try context.shape(2))), to: 2)
  }
}

/// Products of stacks of matrices, broadcast over their leading axes.
enum BatchedProduct {
  private struct Layout {
    var rows: Int
    var inner: Int
    var columns: Int
    var transposeA: Bool
    var transposeB: Bool
    /// Where each product's operands start.
    var offsets: [(a: Int, b: Int)]
  }

  static func kernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (a, b) = (try context.input(0), try context.input(1))
    let transposeA = context.node.int("transA", default: 0) != 0 && a.rank > 1
    let transposeB = context.node.int("transB", default: 0) != 0 && b.rank > 1
    guard a.rank > 0, b.rank > 0 else { throw .invalid("an operand is a scalar") }
    let left = a.rank == 1 ? [1, a.shape[0]] : a.shape
    let right = b.rank == 1 ? [b.shape[0], 1] : b.shape
    let (m, k) = (left[left.count - 2], left[left.count - 1])
    let (n, l) = (right[right.count - 1], right[right.count - 2])
    var layout = Layout(
      rows: transposeA ? k : m, inner: transposeA ? m : k, columns: transposeB ? l : n, transposeA: transposeA,
      transposeB: transposeB, offsets: [])
    guard layout.inner == (transposeB ? n : l) else { throw .invalid("the contracted axes differ") }
    let batchA = Array(left.dropLast(2))
    let batchB = Array(right.dropLast(2))
    if batchB.allSatisfy({ $0 == 1 }), !transposeA {
      // One right operand for all: the left ones are rows of one matrix.
      layout.rows *= batchA.reduce(1, *)
      layout.offsets = [(0, 0)]
    } else {
      layout.offsets = offsets(batchA, batchB, m * k, n * l)
    }
    if layout.rows == 0 || layout.columns == 0 { layout.offsets = [] }
    switch a.type {
    case .float: return try run(Float.self, layout, context)
    case .double: return try run(Double.self, layout, context)
    default:
      guard !context.has(2) else { throw .unsupported("a product of type \(a.type) with a bias") }
      return try WrappingProduct.kernel(
        a.type, layout.offsets, layout.rows, layout.inner, layout.columns, layout.transposeA, layout.transposeB)
    }
  }

  private static func offsets(_ a: [Int], _ b: [Int], _ stepA: Int, _ stepB: Int) -> [(a: Int, b: Int)] {
    let rank = max(a.count, b.count)
    let left = [Int](repeating: 1, count: rank - a.count) + a
    let right = [Int](repeating: 1, count: rank - b.count) + b
    let (stridesA, stridesB) = (StridedCopy.strides(left), StridedCopy.strides(right))
    var offsets = [(a: 0, b: 0)]
    for axis in 0..<rank {
      let size = left[axis] == 1 ? right[axis] : left[axis]
      offsets = offsets.flatMap { offset in
        (0..<size).map { index in
          (
            offset.a + (left[axis] == 1 ? 0 : index * stridesA[axis] * stepA),
            offset.b + (right[axis] == 1 ? 0 : index * stridesB[axis] * stepB)
          )
        }
      }
    }
    return offsets
  }

  private static func run<T: Real>(
    _: T.Type, _ layout: Layout, _ context: KernelContext
  ) throws(KernelError) -> Kernel {
    let product = try context.matrixProduct()
    let alpha = T(context.node.float("alpha") ?? 1)
    let hasBias = context.has(2)
    let (rows, columns, inner) = (layout.rows, layout.columns, layout.inner)
    let leadingA = layout.transposeA ? rows : inner
    let leadingB = layout.transposeB ? inner : columns
    let isLarge = layout.offsets.count < 4
    return Kernel { arguments throws(KernelError) in
      let (a, b) = (arguments.input(0, as: T.self), arguments.input(1, as: T.self))
      let c = arguments.output(0, as: T.self)
      let bias = hasBias ? arguments.input(2, as: T.self) : nil
      func multiply(_ index: Int, _ workers: Workers) {
        let offset = layout.offsets[index]
        product(
          rows: rows, columns: columns, inner: inner, alpha: alpha,
          .init(a + offset.a, leading: max(1, leadingA), isTransposed: layout.transposeA),
          .init(b + offset.b, leading: max(1, leadingB), isTransposed: layout.transposeB), bias: bias,
          c + index * rows * columns, leading: columns, workers: workers)
      }
      if isLarge {
        for index in layout.offsets.indices { multiply(index, arguments.workers) }
      } else {
        let grain = max(1, 500_000 / max(1, rows * columns * inner))
        arguments.workers.forEachRange(of: layout.offsets.count, grain: grain) { range in
          for index in range { multiply(index, .one) }
        }
      }
    }
  }

  /// dA = dC·op(B)ᵀ and dB = op(A)ᵀ·dC, with each transposition where the operand lies.
  static func differentiate(
    _ context: inout GradientContext, _ a: [Int], _ b: [Int], transposed: (a: Bool, b: Bool)
  ) throws(OperatorError) {
    guard let gradient = context.gradient(), let x = context.node.input(0), let w = context.node.input(1) else {
      return
    }
    let output = try context.outputShape()
    if a.count == 1 || b.count == 1 { return try differentiateVectors(&context, a, b, gradient, output) }
    if context.wants(0) {
      let shape = Array(output.dropLast(2)) + a.suffix(2)
      let value =
        transposed.a
        ? multiply(&context, w, gradient, transposed.b, true) : multiply(&context, gradient, w, false, !transposed.b)
      try context.accumulate(broadcast: value, of: shape, to: 0)
    }
    guard context.wants(1) else { return }
    if b.dropLast(2).allSatisfy({ $0 == 1 }), !transposed.a, a.count > 2 {
      // Sum over the batch inside of one product.
      let rows = a.dropLast().reduce(1, *)
      let flatX = context.emit(.own("ReshapeTo"), x, context.vector([rows, a[a.count - 1]]))
      let flatG = context.emit(.own("ReshapeTo"), gradient, context.vector([rows, output[output.count - 1]]))
      let value =
        transposed.b ? multiply(&context, flatG, flatX, true, false) : multiply(&context, flatX, flatG, true, false)
      return context.accumulate(b.count == 2 ? value : context.emit(.own("ReshapeTo"), value, context.vector(b)), to: 1)
    }
    let value =
      transposed.b
      ? multiply(&context, gradient, x, true, transposed.a) : multiply(&context, x, gradient, !transposed.a, false)
    try context.accumulate(broadcast: value, of: Array(output.dropLast(2)) + b.suffix(2), to: 1)
  }

  /// Vectors as matrices of one row or one column.
  private static func differentiateVectors(
    _ context: inout GradientContext, _ a: [Int], _ b: [Int], _ gradient: ValueID, _ output: [Int]
  ) throws(OperatorError) {
    guard let x = context.node.input(0), let w = context.node.input(1) else { return }
    let wideA = a.count == 1 ? [1, a[0]] : a
    let wideB = b.count == 1 ? [b[0], 1] : b
    var wideG = output
    if a.count == 1 { wideG.insert(1, at: b.count == 1 ? output.count : output.count - 1) }
    if b.count == 1 { wideG.append(1) }
    let left = context.emit(.own("ReshapeTo"), x, context.vector(wideA))
    let right = context.emit(.own("ReshapeTo"), w, context.vector(wideB))
    let flowing = context.emit(.own("ReshapeTo"), gradient, context.vector(wideG))
    for input in 0..<2 where context.wants(input) {
      let value =
        input == 0 ? multiply(&context, flowing, right, false, true) : multiply(&context, left, flowing, true, false)
      let (wide, own) = input == 0 ? (wideA, a) : (wideB, b)
      let summed = context.emit(.own("SumTo"), value, context.vector(wide))
      context.accumulate(context.emit(.own("ReshapeTo"), summed, context.vector(own)), to: input)
    }
  }

  private static func multiply(
    _ context: inout GradientContext, _ a: ValueID, _ b: ValueID, _ transposeA: Bool, _ transposeB: Bool
  ) -> ValueID {
    context.emit(
      .own("MatrixMultiply"), a, b,
      attributes: [
        Attribute(name: "transA", value: .int(transposeA ? 1 : 0)),
        Attribute(name: "transB", value: .int(transposeB ? 1 : 0)),
      ])
  }
}
