import IR
import Kernels

/// The layout of a product of integer matrices, and where its operands lie as floats while it runs.
struct IntegerMatrices: Sendable {
  let rows: Int
  let columns: Int
  let inner: Int
  /// Rows of one matrix of the first operand, even where all of them are one tall matrix.
  let ownRows: Int
  /// The operands' places in elements, for every matrix of the result.
  let places: [(a: Int, b: Int)]
  let (aCount, bCount): (Int, Int)
  private let (aFloats, bFloats, scratch): (TensorPlace, TensorPlace, TensorPlace)
  private let sumsPlace: TensorPlace?
  let product: IntegerProduct
  let layout: ScratchLayout

  /// A product of tensors of matrices, whose leading axes broadcast.
  /// - Parameter keepsSums: whether the sums go to the first output rather than to scratch memory.
  init(_ context: KernelContext, a: [Int], b: [Int], keepsSums: Bool) throws(KernelError) {
    let a = a.count == 1 ? [1] + a : a
    let b = b.count == 1 ? b + [1] : b
    guard a.count > 1, b.count > 1, a[a.count - 1] == b[b.count - 2] else {
      throw .invalid("operands of shapes \(a) and \(b)")
    }
    let (aBatch, bBatch) = (Array(a.dropLast(2)), Array(b.dropLast(2)))
    inner = a[a.count - 1]
    columns = b[b.count - 1]
    ownRows = a[a.count - 2]
    (aCount, bCount) = (a.reduce(1, *), b.reduce(1, *))
    if bBatch.allSatisfy({ $0 == 1 }) {
      // One matrix for all: the first operand's are one tall matrix.
      rows = a.dropLast().reduce(1, *)
      places = [(0, 0)]
    } else {
      rows = a[a.count - 2]
      let (aSize, bSize) = (rows * inner, inner * columns)
      places = BatchPlaces(aBatch, bBatch).places.map { ($0.a * aSize, $0.b * bSize) }
    }
    var layout = ScratchLayout()
    aFloats = layout.reserve(aCount * 4)
    bFloats = layout.reserve(bCount * 4)
    scratch = layout.reserve(rows * columns * 4)
    sumsPlace = keepsSums ? nil : layout.reserve(rows * columns * places.count * 4)
    product = IntegerProduct(try context.matrixProduct())
    self.layout = layout
  }

  /// Refuses zero points that are not one for all or one for each row or column, or not of their operand's type.
  func checkZeros(
    _ context: KernelContext, a: (input: Int, type: DataType)? = nil, b: (input: Int, type: DataType)
  ) throws(KernelError) {
    for type in [a?.type, b.type].compactMap({ $0 }) { _ = try KernelContext.byte(type) }
    if let a { try context.check(a.input, "zero points", counts: [1, ownRows], type: a.type) }
    try context.check(b.input, "zero points", counts: [1, columns], type: b.type)
  }

  var resultCount: Int { rows * columns * places.count }

  func sums(_ arguments: KernelArguments) -> UnsafeMutablePointer<Int32> {
    sumsPlace?.elements(arguments) ?? arguments.output(0)
  }

  /// The first operand less its zero points, one for all or one for each row.
  func widenA(_ arguments: KernelArguments, _ input: Int, _ type: DataType, zeros: [Int32]) {
    widen(arguments, input, type, aFloats, count: aCount, width: inner, rowZeros: zeros)
  }

  /// The second operand less its zero points, one for all or one for each column.
  func widenB(_ arguments: KernelArguments, _ input: Int, _ type: DataType, zeros: [Int32]) {
    widen(arguments, input, type, bFloats, count: bCount, width: columns, rowZeros: zeros.count == 1 ? zeros : [0])
    guard zeros.count == columns, zeros.count > 1 else { return }
    let floats: UnsafeMutablePointer<Float> = bFloats.elements(arguments)
    let shifts = zeros.map { Float($0) }
    for row in 0..<(bCount / columns) {
      for column in 0..<columns { floats[row * columns + column] -= shifts[column] }
    }
  }

  private func widen(
    _ arguments: KernelArguments, _ input: Int, _ type: DataType, _ place: TensorPlace, count: Int, width: Int,
    rowZeros: [Int32]
  ) {
    let floats: UnsafeMutablePointer<Float> = place.elements(arguments)
    let rows = width > 0 ? count / width : 0
    arguments.workers.forEachRange(of: rows, grain: max(1, 65_536 / max(1, width))) { range in
      for row in range {
        let zero = rowZeros.count == 1 ? rowZeros[0] : rowZeros[row % rowZeros.count]
        if type == .int8 {
          Quantize.widen(arguments.input(input, as: Int8.self) + row * width, width, zero: zero, floats + row * width)
        } else {
          Quantize.widen(arguments.input(input, as: UInt8.self) + row * width, width, zero: zero, floats + row * width)
        }
      }
    }
  }

  /// Writes an operand's floats by other means.
  func floatsOfA(_ arguments: KernelArguments) -> UnsafeMutablePointer<Float> { aFloats.elements(arguments) }

  func multiply(
    _ arguments: KernelArguments, transposeA: Bool = false, transposeB: Bool = false
  ) -> UnsafeMutablePointer<Int32> {
    let a: UnsafeMutablePointer<Float> = aFloats.elements(arguments)
    let b: UnsafeMutablePointer<Float> = bFloats.elements(arguments)
    let sums = sums(arguments)
    for (index, place) in places.enumerated() {
      product(
        rows: rows, columns: columns, inner: inner,
        MatrixProduct.Operand(UnsafePointer(a + place.a), leading: transposeA ? rows : inner, isTransposed: transposeA),
        MatrixProduct.Operand(
          UnsafePointer(b + place.b), leading: transposeB ? inner : columns, isTransposed: transposeB),
        sums: sums + index * rows * columns, scratch: scratch.elements(arguments), workers: arguments.workers)
    }
    return sums
  }
}
