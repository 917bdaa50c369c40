import Kernels

/// The inverse of a damped covariance, kept as B·Bᵀ with a triangle B: mostly, blocks of it are all that is looked at.
struct DampedInverse {
  let size: Int
  /// U⁻¹, row-major. Its rounding is as the root of the covariance is conditioned.
  private let factor: [Float]

  /// U⁻¹·U⁻ᵀ.
  init(_ cholesky: Cholesky) throws(BLASError) {
    size = cholesky.size
    factor = try cholesky.singleInverseFactor()
  }

  /// Some rows, and the same columns.
  /// - Parameter indices: ascending.
  func block(_ indices: [Int], workers: Workers) throws(BLASError) -> SymmetricMatrix {
    var block = SymmetricMatrix(size: indices.count, workers: workers)
    let rows = [Double](unsafeUninitializedCapacity: indices.count * size) { rows, count in
      for (place, index) in indices.enumerated() {
        for column in 0..<size { rows[place * size + column] = Double(factor[index * size + column]) }
      }
      count = indices.count * size
    }
    // Rows of a triangle begin at its diagonal.
    try block.addSquare(ofRows: rows, times: 1, workers: workers) { indices[$0] }
    return block
  }
}
