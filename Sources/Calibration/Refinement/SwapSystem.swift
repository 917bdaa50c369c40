import Kernels

/// A matrix W that reads channels, with the covariance Σ of what it multiplies. A convolution in groups has several.
struct SwapSystem: Sendable {
  /// Rows and columns of the matrix.
  let rows: Int
  let size: Int
  /// Σ, positive definite; both triangles.
  let covariance: SymmetricMatrix
  /// Σ·Wᵀ: a row for each column of W.
  let products: [Double]
  /// tr(W·Σ·Wᵀ), what the outputs vary.
  let whole: Double
  /// For each channel its columns.
  let columns: [[Int]]
  /// Columns of no channel, which stay. What is in neither is lost whatever is chosen.
  let fixed: [Int]

  /// - Parameters:
  ///   - covariance: positive definite.
  ///   - matrix: row-major, rows as long as the covariance is wide.
  init(
    covariance: SymmetricMatrix, matrix: [Double], columns: [[Int]], fixed: [Int] = [], workers: Workers
  ) throws(BLASError) {
    let size = covariance.size
    var full = covariance
    full.fillLowerTriangle()
    rows = size > 0 ? matrix.count / size : 0
    self.size = size
    self.columns = columns
    self.fixed = fixed
    var negated = [Double](repeating: 0, count: matrix.count)
    try DenseProducts.subtract(full.elements, matrix, inner: size, from: &negated, workers: workers)
    products = negated.map { -$0 }
    whole = try covariance.sumOfSquares(of: matrix)
    self.covariance = full
  }

  /// The columns that stay where these channels do: the fixed ones, then each channel's.
  func columns(keeping channels: [Int]) -> [Int] { fixed + channels.flatMap { columns[$0] } }

  /// Σ of some columns with others, row-major.
  func covariance(of first: [Int], with second: [Int]) -> [Double] {
    var block: [Double] = []
    block.reserveCapacity(first.count * second.count)
    for row in first { for column in second { block.append(covariance.elements[row * size + column]) } }
    return block
  }
}

/// The best a system can do with some of its columns.
///
/// With C = W·Σ and S the columns, B = C_S·(Σ_SS)⁻¹ is the matrix that comes nearest to W, and it misses
/// tr(W·Σ·Wᵀ) − tr(C_S·(Σ_SS)⁻¹·C_Sᵀ).
struct SwapFit: Sendable {
  /// S.
  let columns: [Int]
  /// Of Σ_SS.
  let factor: Cholesky
  /// C_S, row-major.
  let targets: [Double]
  /// tr(C_S·(Σ_SS)⁻¹·C_Sᵀ).
  let explained: Double

  /// - Returns: `nil` where rounding has left Σ_SS not positive definite.
  init?(_ system: SwapSystem, keeping channels: [Int]) throws(BLASError) {
    let columns = system.columns(keeping: channels)
    guard let factor = try Cholesky(system.covariance.keeping(columns)) else { return nil }
    var targets: [Double] = []
    targets.reserveCapacity(system.rows * columns.count)
    for row in 0..<system.rows {
      for column in columns { targets.append(system.products[column * system.rows + row]) }
    }
    explained = try factor.whiten(rows: targets).reduce(0.0) { $0 + $1 * $1 }
    self.columns = columns
    self.factor = factor
    self.targets = targets
  }
}
