import Kernels

/// The covariance of what one group of a layer multiplies: a matrix, or the rows themselves where they are far fewer
/// than the matrix has columns.
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

  /// C + share·mean(diag C)·I, ready to be inverted; the share is raised until it can be.
  func damped(_ damping: Double) throws(BLASError) -> DampedCovariance {
    let variances = variances
    let average = variances.isEmpty ? 0 : variances.reduce(0, +) / Double(variances.count)
    let mean = average > 0 && average.isFinite ? average : 1
    var share = max(damping, 1e-12)
    while share < 1e12 {
      if let damped = try damped(by: share * mean) { return damped }
      share *= 10
    }
    return .unknown
  }

  private func damped(by damping: Double) throws(BLASError) -> DampedCovariance? {
    switch self {
    case .matrix(let matrix):
      guard let factor = try Cholesky(matrix, damping: damping) else { return nil }
      return .inverse(try DampedInverse(factor))
    case .rows(let rows, _, let count):
      let rows = try DampedRows(rows, count: count, damping: damping)
      return try Cholesky(rows.products) == nil ? nil : .rows(rows)
    }
  }
}

/// What is known of a covariance that can be inverted.
enum DampedCovariance {
  case inverse(DampedInverse)
  case rows(DampedRows)
  /// Inputs that are no numbers tell nothing.
  case unknown
}
