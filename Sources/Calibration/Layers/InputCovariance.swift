import Kernels

/// The covariance of what one group of a layer multiplies: a matrix, or the rows themselves where they are fewer than
/// the matrix has columns.
enum InputCovariance {
  case matrix(SymmetricMatrix)
  /// Rows less their mean, transposed: `columns` × `count`.
  case rows([Float], columns: Int, count: Int)

  /// The variances of the columns.
  var variances: [Double] {
    switch self {
    case .matrix(let matrix): matrix.diagonal
    case .rows(let rows, let columns, let count):
      (0..<columns).map { column in
        rows[(column * count)..<((column + 1) * count)].reduce(0) { $0 + Double($1) * Double($1) }
          / Double(max(1, count))
      }
    }
  }

  /// Σ x·C·xᵀ over the rows of a row-major matrix.
  func sumOfSquares(of matrix: [Double]) throws(BLASError) -> Double {
    switch self {
    case .matrix(let covariance): return try covariance.sumOfSquares(of: matrix)
    case .rows(let rows, let columns, let count):
      guard columns > 0, count > 0 else { return 0 }
      return try DenseProducts.squaredNorm(matrix.map { Float($0) }, rows, inner: columns) / Double(count)
    }
  }

  /// (C + share·mean(diag C)·I)⁻¹; the share is raised until the matrix can be inverted.
  func dampedInverse(_ damping: Double) throws(BLASError) -> DampedInverse {
    let variances = variances
    let average = variances.isEmpty ? 0 : variances.reduce(0, +) / Double(variances.count)
    let mean = average > 0 && average.isFinite ? average : 1
    var share = max(damping, 1e-12)
    while share < 1e12 {
      if let inverse = try inverse(damping: share * mean) { return inverse }
      share *= 10
    }
    return DampedInverse(identity: variances.count)
  }

  /// (C + λ·I)⁻¹; of n rows X, by Woodbury's identity, (I − Xᵀ·(X·Xᵀ + n·λ·I)⁻¹·X)/λ.
  private func inverse(damping: Double) throws(BLASError) -> DampedInverse? {
    switch self {
    case .matrix(let matrix):
      return try Cholesky(matrix, damping: damping).map { (factor) throws(BLASError) in try DampedInverse(factor) }
    case .rows(let rows, let columns, let count):
      let products = try SymmetricMatrix(size: count, squareOfColumns: rows)
      guard let factor = try Cholesky(products, damping: Double(count) * damping) else { return nil }
      return DampedInverse(size: columns, reducedBy: try factor.whiten(rows: rows), damping: damping)
    }
  }
}
