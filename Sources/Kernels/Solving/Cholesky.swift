import COpenBLAS

/// The factorization A = Uᵀ·U of a positive definite matrix, block by block.
public struct Cholesky: Sendable {
  public let size: Int
  /// Row-major; the upper triangle is U.
  private var factor: [Double]

  /// - Parameter damping: what is added to the diagonal before.
  /// - Returns: `nil` where the matrix is not positive definite then, as far as rounding can tell.
  public init?(
    _ matrix: SymmetricMatrix, damping: Double = 0, workers: Workers = .one
  ) throws(BLASError) {
    size = matrix.size
    factor = matrix.elements
    for index in 0..<size { factor[index * size + index] += damping }
    let (blas, size) = (try BLAS.shared(), size)
    let isDefinite = factor.withUnsafeMutableBufferPointer { factor -> Bool in
      guard let start = factor.baseAddress else { return true }
      return Self.factorize(start, size, blas, workers)
    }
    guard isDefinite else { return nil }
  }

  /// Rows and columns of a block: one is factorized by LAPACK, the rest follows by products that threads share.
  private static let block = 256

  /// Writes U over the upper triangle.
  private static func factorize(
    _ matrix: UnsafeMutablePointer<Double>, _ size: Int, _ blas: BLAS, _ workers: Workers
  ) -> Bool {
    nonisolated(unsafe) let matrix = matrix
    let stride = Int32(size)
    for first in Swift.stride(from: 0, to: size, by: block) {
      let (end, count) = (min(size, first + block), Int32(min(block, size - first)))
      // Fortran keeps matrices in columns: its lower triangle is our upper one.
      var (triangle, order, lead, result) = (CChar(UInt8(ascii: "L")), count, stride, Int32(0))
      nonisolated(unsafe) let corner = matrix + (first * size + first)
      blas.dpotrf(&triangle, &order, corner, &lead, &result)
      // LAPACK lets pass what is no number.
      guard result == 0, (0..<Int(count)).allSatisfy({ corner[$0 * (size + 1)].isFinite }) else { return false }
      // U₁₂ = U₁₁⁻ᵀ·A₁₂, and A₂₂ − U₁₂ᵀ·U₁₂ is what is left.
      workers.forEachRange(of: size - end, grain: block) { columns in
        blas.dtrsm(
          CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, count, Int32(columns.count), 1, corner,
          stride,
          matrix + (first * size + end + columns.lowerBound), stride)
      }
      let blocks = (size - end + block - 1) / block
      let tiles = (0..<blocks).flatMap { row in (row..<blocks).map { (row, $0) } }
      workers.forEach(tiles.count) { index in
        let (row, column) = (end + tiles[index].0 * block, end + tiles[index].1 * block)
        blas.dgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, Int32(min(block, size - row)), Int32(min(block, size - column)),
          count, -1, matrix + (first * size + row), stride, matrix + (first * size + column), stride, 1,
          matrix + (row * size + column), stride)
      }
    }
    return true
  }

  /// B·A⁻¹ for a row-major matrix of rows as long as A is wide.
  public func solve(rows matrix: [Double], workers: Workers = .one) throws(BLASError) -> [Double] {
    // X·UᵀU = B: first Z·U = B, then X·Uᵀ = Z.
    try divided(try whiten(rows: matrix, workers: workers), by: CblasTrans, workers)
  }

  /// B·U⁻¹, whose rows' inner products are those of B in A⁻¹: (B·U⁻¹)·(B·U⁻¹)ᵀ = B·A⁻¹·Bᵀ.
  public func whiten(rows matrix: [Double], workers: Workers = .one) throws(BLASError) -> [Double] {
    try divided(matrix, by: CblasNoTrans, workers)
  }

  /// B ← B·U⁻¹ in single precision: what is lost is as U is conditioned, and not as A is, which has the square of it.
  public func whiten(_ matrix: inout [Float], workers: Workers = .one) throws(BLASError) {
    guard size > 0, !matrix.isEmpty else { return }
    let blas = try BLAS.shared()
    let (factor, width, height) = (factor.map { Float($0) }, size, matrix.count / size)
    matrix.withUnsafeMutableBufferPointer { rows in
      guard let first = rows.baseAddress else { return }
      nonisolated(unsafe) let start = first
      workers.forEachRange(of: height, grain: 256) { lines in
        blas.strsm(
          CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, Int32(lines.count), Int32(width), 1,
          factor, Int32(width), start + lines.lowerBound * width, Int32(width))
      }
    }
  }

  /// B·U⁻¹ or B·U⁻ᵀ.
  private func divided(
    _ matrix: [Double], by form: CBLAS_TRANSPOSE, _ workers: Workers
  ) throws(BLASError) -> [Double] {
    guard size > 0, !matrix.isEmpty else { return matrix }
    let blas = try BLAS.shared()
    var result = matrix
    let width = Int32(size)
    result.withUnsafeMutableBufferPointer { target in
      factor.withUnsafeBufferPointer { factor in
        guard let first = target.baseAddress else { return }
        nonisolated(unsafe) let (start, factor) = (first, factor.baseAddress)
        workers.forEachRange(of: matrix.count / size, grain: 64) { rows in
          blas.dtrsm(
            CblasRowMajor, CblasRight, CblasUpper, form, CblasNonUnit, Int32(rows.count), width, 1, factor, width,
            start + rows.lowerBound * size, width)
        }
      }
    }
    return result
  }

  /// U⁻¹, row-major with zeros below the diagonal: A⁻¹ = U⁻¹·U⁻ᵀ.
  private func inverseFactor() throws(BLASError) -> [Double] {
    let function = try BLAS.shared().dtrtri
    return inverted(factor) { function($0, $1, $2, $3, $4, $5) }
  }

  /// U⁻¹ in single precision, row-major with zeros below the diagonal; as accurate as ``whiten(rows:)``.
  public func singleInverseFactor() throws(BLASError) -> [Float] {
    let function = try BLAS.shared().strtri
    return inverted(factor.map { Float($0) }) { function($0, $1, $2, $3, $4, $5) }
  }

  private typealias Inversion<Element> = (
    UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Element>?,
    UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
  ) -> Void

  private func inverted<Element: BinaryFloatingPoint>(
    _ factor: [Element], by invert: Inversion<Element>
  ) -> [Element] {
    guard size > 0 else { return [] }
    var elements = factor
    var (triangle, diagonal) = (CChar(UInt8(ascii: "L")), CChar(UInt8(ascii: "N")))
    var (count, result) = (Int32(size), Int32(0))
    elements.withUnsafeMutableBufferPointer { elements in
      invert(&triangle, &diagonal, &count, elements.baseAddress, &count, &result)
      for row in 1..<size { for column in 0..<row { elements[row * size + column] = 0 } }
    }
    return elements
  }

  /// A⁻¹.
  public func inverse() throws(BLASError) -> SymmetricMatrix {
    try SymmetricMatrix(size: size, squareOf: try inverseFactor())
  }
}
