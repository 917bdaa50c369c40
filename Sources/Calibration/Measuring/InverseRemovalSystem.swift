import Kernels

/// Of a layer of which not far fewer rows are known than there are columns: the inverse itself, which every removal
/// updates.
struct InverseRemovalSystem: RemovalSystem {
  /// Of the columns that are left.
  private var inverse: SymmetricMatrix
  /// Of the same columns, transposed: a line a column.
  private var matrix: [Double]
  /// The rows of the layer's matrix.
  private let height: Int
  private var columns: ChannelColumns
  /// What a change of the outputs counts.
  private let weight: Double

  /// - Parameters:
  ///   - inverse: of the group's columns.
  ///   - matrix: of the same columns, transposed.
  ///   - height: the rows of the layer's matrix.
  ///   - weight: what a change of the outputs counts.
  init(inverse: SymmetricMatrix, matrix: [Double], height: Int, columns: ChannelColumns, weight: Double) {
    self.height = height
    self.inverse = inverse
    self.matrix = matrix
    self.columns = columns
    self.weight = weight
  }

  func loss(of channel: Int) -> Double {
    let own = columns[channel]
    guard !own.isEmpty else { return 0 }
    return weight * blockLoss(block(ofTransposed: matrix, columns: own, height: height), inverse.keeping(own))
  }

  /// G ← G − G_M·(G_MM)⁻¹·G_Mᵀ and W ← W − W_M·(G_MM)⁻¹·G_Mᵀ, without the columns M.
  mutating func remove(_ channels: [Int], workers: Workers) throws(BLASError) {
    let (gone, left) = columns.remove(channels)
    guard !gone.isEmpty else { return }
    // What cannot be made up for for rounding's sake just goes.
    let factor = try Cholesky(inverse.keeping(gone), workers: workers)
    let removed = block(ofTransposed: matrix, columns: gone, height: height)
    let sides = inverse.block(rows: left, columns: gone)
    keep(left, of: &matrix, width: height)
    inverse.keep(left)
    guard let factor else { return }
    let white = try factor.whiten(rows: sides, workers: workers)
    try inverse.addSquare(ofRows: white, times: -1, workers: workers)
    try DenseProducts.subtract(
      white, try factor.whiten(rows: removed, workers: workers), inner: gone.count, from: &matrix, workers: workers)
  }
}
