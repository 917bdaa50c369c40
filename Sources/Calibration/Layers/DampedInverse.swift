import Kernels

/// The inverse G of a damped covariance, kept as c·I + s·B·Bᵀ: mostly, small blocks of it are all that is looked at.
struct DampedInverse {
  let size: Int
  /// c and s.
  private let diagonal: Double
  private let scale: Double
  /// B, row-major. Its rounding is as the root of the covariance is conditioned.
  private let factor: [Float]
  private let width: Int
  /// Whether B is zero below its diagonal.
  private let isTriangular: Bool

  /// U⁻¹·U⁻ᵀ.
  init(_ cholesky: Cholesky) throws(BLASError) {
    (size, width, diagonal, scale, isTriangular) = (cholesky.size, cholesky.size, 0, 1, true)
    factor = try cholesky.singleInverseFactor()
  }

  /// (I − B·Bᵀ)/λ.
  /// - Parameters:
  ///   - factor: B, row-major, of `size` rows.
  ///   - damping: λ.
  init(size: Int, reducedBy factor: [Float], damping: Double) {
    (self.size, width, isTriangular) = (size, size == 0 ? 0 : factor.count / size, false)
    (diagonal, scale) = (1 / damping, -1 / damping)
    self.factor = factor
  }

  /// I, which says nothing of what columns have in common.
  init(identity size: Int) {
    (self.size, width, diagonal, scale, isTriangular) = (size, 0, 1, 1, false)
    factor = []
  }

  /// Some rows, and the same columns.
  /// - Parameter indices: ascending.
  func block(_ indices: [Int]) -> SymmetricMatrix {
    var block = SymmetricMatrix(size: indices.count)
    factor.withUnsafeBufferPointer { factor in
      for (row, from) in indices.enumerated() {
        for (column, to) in indices.enumerated() where to >= from {
          var sum = 0.0
          // Rows of a triangle begin at its diagonal.
          for index in (isTriangular ? to : 0)..<width {
            sum += Double(factor[from * width + index]) * Double(factor[to * width + index])
          }
          block.elements[row * indices.count + column] = scale * sum
        }
      }
    }
    block.addToDiagonal(diagonal)
    return block
  }

  /// How large the terms are that a block is made up of.
  func magnitude(_ block: SymmetricMatrix) -> Double {
    max(abs(diagonal), block.diagonal.reduce(0) { max($0, abs($1)) })
  }

  /// All of it, row-major.
  func matrix() throws(BLASError) -> [Double] {
    var matrix = try SymmetricMatrix(size: size, squareOf: factor.map { Double($0) }, times: scale)
    matrix.addToDiagonal(diagonal)
    matrix.fillLowerTriangle()
    return matrix.elements
  }
}
