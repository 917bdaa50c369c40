import Kernels

/// Of a layer of which far fewer rows are known than there are columns: the rows, from which each removal starts anew.
///
/// With X the n rows of the columns that are left and K = X·Xᵀ + n·λ·I, as large as there are rows, the inverse is
/// G = (I − Xᵀ·K⁻¹·X)/λ by Woodbury's identity, and W + W_P·X_Pᵀ·K⁻¹·X makes up for columns P that went. X and W are
/// kept transposed, a line a column.
struct RowRemovalSystem: RemovalSystem {
  /// λ.
  private let damping: Double
  /// n.
  private let count: Int
  /// The rows of the layer's matrix.
  private let height: Int
  /// K, of all columns of the layer that are left.
  private var products: SymmetricMatrix
  /// X and W as they are known.
  private var (rows, matrix): ([Float], [Float])
  /// W_P·X_Pᵀ of all that went.
  private var missing: [Double]
  /// X·U⁻¹ where K = Uᵀ·U, and W where it makes up for what went.
  private var (white, made): ([Float], [Float]) = ([], [])
  private var columns: ChannelColumns
  /// What a change of the outputs counts.
  private let weight: Double

  /// - Parameters:
  ///   - own: the group's columns of the layer, ascending.
  ///   - matrix: of these columns, transposed.
  ///   - height: the rows of the layer's matrix.
  ///   - weight: what a change of the outputs counts.
  init(
    _ covariance: DampedRows, own: [Int], matrix: [Float], height: Int, columns: ChannelColumns, weight: Double,
    workers: Workers
  ) throws(BLASError) {
    damping = covariance.damping
    count = covariance.count
    products = covariance.products
    rows = covariance.lines(own)
    self.matrix = matrix
    self.height = height
    self.columns = columns
    self.weight = weight
    missing = [Double](repeating: 0, count: height * count)
    try solve(workers)
  }

  private mutating func solve(_ workers: Workers) throws(BLASError) {
    // Their memory is taken once.
    white.replaceSubrange(white.indices, with: rows)
    made.replaceSubrange(made.indices, with: matrix)
    guard let factor = try Cholesky(products, workers: workers) else {
      // What rounding left of it cannot be inverted: each column by itself.
      for index in white.indices { white[index] = 0 }
      return
    }
    try factor.whiten(&white, workers: workers)
    var update = missing.map { Float($0) }
    try factor.whiten(&update, workers: workers)
    try DenseProducts.add(white, update, inner: count, to: &made, workers: workers)
  }

  func loss(of channel: Int) -> Double {
    let own = columns[channel]
    let lines = own.flatMap { white[($0 * count)..<(($0 + 1) * count)].map { Double($0) } }
    guard !own.isEmpty, var inverse = try? SymmetricMatrix(size: own.count, squareOf: lines, times: -1) else {
      return 0
    }
    inverse.addToDiagonal(1)
    inverse.scale(by: 1 / damping)
    return weight * blockLoss(block(ofTransposed: made, columns: own, height: height), inverse)
  }

  mutating func remove(_ channels: [Int], workers: Workers) throws(BLASError) {
    let (gone, left) = columns.remove(channels)
    guard !gone.isEmpty else { return }
    let (removed, weights) = (gathered(rows, gone, width: count), gathered(matrix, gone, width: height))
    products.subtract(try SymmetricMatrix(size: count, squareOfColumns: removed))
    try MomentProducts.add(weights, removed, lines: gone.count, to: &missing, workers: workers)
    keep(left, of: &rows, width: count)
    keep(left, of: &matrix, width: height)
    try solve(workers)
  }
}
