import COpenBLAS

/// C ← α·op(A)·op(B) + β·C over row-major matrices, by OpenBLAS on the calling thread or cut into pieces for several.
public struct MatrixProduct: Sendable {
  private let blas: BLAS

  public init(_ blas: BLAS) { self.blas = blas }

  /// One operand: `leading` elements lie between the starts of neighbouring rows as they are stored.
  public struct Operand<T: Real> {
    public let elements: UnsafePointer<T>
    public let leading: Int
    public let isTransposed: Bool

    public init(_ elements: UnsafePointer<T>, leading: Int, isTransposed: Bool = false) {
      self.elements = elements
      self.leading = leading
      self.isTransposed = isTransposed
    }

    /// The same, where its elements are floats.
    var floats: Operand<Float> {
      Operand<Float>(VectorLoops.floats(elements), leading: leading, isTransposed: isTransposed)
    }

    /// The operand from a row and a column of op(·) on.
    func from(row: Int, column: Int) -> Operand {
      let offset = isTransposed ? column * leading + row : row * leading + column
      return Operand(elements + offset, leading: leading, isTransposed: isTransposed)
    }
  }

  /// op(A) is `rows` × `inner`, op(B) `inner` × `columns`. With `beta` zero, C is not read. Where `inner` is zero,
  /// C ← β·C.
  public func callAsFunction<T: Real>(
    rows: Int, columns: Int, inner: Int, alpha: T = 1, _ a: Operand<T>, _ b: Operand<T>, beta: T = 0,
    _ c: UnsafeMutablePointer<T>, leading: Int
  ) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else {
      for row in 0..<rows {
        for column in 0..<columns { c[row * leading + column] = beta == 0 ? 0 : beta * c[row * leading + column] }
      }
      return
    }
    let transposeA = a.isTransposed ? CblasTrans : CblasNoTrans
    let transposeB = b.isTransposed ? CblasTrans : CblasNoTrans
    if T.self == Float.self, rows == 1, b.isTransposed {
      // A vector with rows of a matrix: nothing is packed.
      blas.sgemv(
        CblasRowMajor, CblasNoTrans, Int32(columns), Int32(inner), Float(alpha), VectorLoops.floats(b.elements),
        Int32(b.leading), VectorLoops.floats(a.elements), a.isTransposed ? Int32(a.leading) : 1, Float(beta),
        VectorLoops.floats(c), 1)
    } else if T.self == Float.self {
      blas.sgemm(
        CblasRowMajor, transposeA, transposeB, Int32(rows), Int32(columns), Int32(inner), Float(alpha),
        UnsafeRawPointer(a.elements).assumingMemoryBound(to: Float.self), Int32(a.leading),
        UnsafeRawPointer(b.elements).assumingMemoryBound(to: Float.self), Int32(b.leading), Float(beta),
        UnsafeMutableRawPointer(c).assumingMemoryBound(to: Float.self), Int32(leading))
    } else {
      blas.dgemm(
        CblasRowMajor, transposeA, transposeB, Int32(rows), Int32(columns), Int32(inner), Double(alpha),
        UnsafeRawPointer(a.elements).assumingMemoryBound(to: Double.self), Int32(a.leading),
        UnsafeRawPointer(b.elements).assumingMemoryBound(to: Double.self), Int32(b.leading), Double(beta),
        UnsafeMutableRawPointer(c).assumingMemoryBound(to: Double.self), Int32(leading))
    }
  }

  /// The same, divided among workers in pieces that depend on the sizes alone. With a `bias`, a row that is added to
  /// every row, C is not read either.
  public func callAsFunction<T: Real>(
    rows: Int, columns: Int, inner: Int, alpha: T = 1, _ a: Operand<T>, _ b: Operand<T>, beta: T = 0,
    bias: UnsafePointer<T>? = nil, _ c: UnsafeMutablePointer<T>, leading: Int, workers: Workers
  ) {
    let pieces = Self.pieces(rows: rows, columns: columns, inner: inner)
    let isWide = columns >= rows
    let length = isWide ? columns : rows
    let grain = pieces == 1 ? length : ((length + pieces - 1) / pieces + 15) / 16 * 16
    workers.forEachRange(of: length, grain: grain) { range in
      let height = isWide ? rows : range.count
      let width = isWide ? range.count : columns
      let target = c + (isWide ? range.lowerBound : range.lowerBound * leading)
      if let bias {
        let from = bias + (isWide ? range.lowerBound : 0)
        for row in 0..<height { (target + row * leading).update(from: from, count: width) }
      }
      self(
        rows: height, columns: width, inner: inner, alpha: alpha,
        isWide ? a : a.from(row: range.lowerBound, column: 0), isWide ? b.from(row: 0, column: range.lowerBound) : b,
        beta: bias == nil ? beta : 1, target, leading: leading)
    }
  }

  /// Each piece packs the whole of one operand anew, so pieces stay wide and few: at least about 8 million products. A
  /// vector times a matrix packs nothing and takes as long as reading the matrix.
  private static func pieces(rows: Int, columns: Int, inner: Int) -> Int {
    let work = Double(rows) * Double(columns) * Double(inner)
    let longest = max(rows, columns)
    if rows == 1 { return max(1, min(8, Int(work / 2e5), longest / 64)) }
    return max(work > 2e6 ? 2 : 1, min(8, Int(work / 8e6), longest / 64))
  }
}
