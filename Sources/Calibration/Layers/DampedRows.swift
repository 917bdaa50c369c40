import Kernels

/// A damped covariance XᵀX/n + λ·I of which only a few rows X are known, so that these say all there is to say.
struct DampedRows {
  /// X, transposed: a line a column.
  private let lines: [Float]
  /// n.
  let count: Int
  /// λ.
  let damping: Double
  /// X·Xᵀ + n·λ·I.
  let products: SymmetricMatrix

  /// - Parameter centred: rows less their mean, transposed.
  init(_ centred: [Float], count: Int, damping: Double) throws(BLASError) {
    (lines, self.count, self.damping) = (centred, count, damping)
    var products = try SymmetricMatrix(size: count, squareOfColumns: centred)
    products.addToDiagonal(Double(count) * damping)
    self.products = products
  }

  /// Some columns of X, a line each.
  func lines(_ columns: [Int]) -> [Float] { gathered(lines, columns, width: count) }
}

/// Some lines of a row-major matrix.
func gathered(_ matrix: [Float], _ lines: [Int], width: Int) -> [Float] {
  [Float](unsafeUninitializedCapacity: lines.count * width) { result, count in
    count = lines.count * width
    for (place, line) in lines.enumerated() {
      for column in 0..<width { result[place * width + column] = matrix[line * width + column] }
    }
  }
}

/// Leaves some lines of a row-major matrix where they are, less those between them.
/// - Parameter lines: ascending.
func keep<Element: BinaryFloatingPoint>(_ lines: [Int], of matrix: inout [Element], width: Int) {
  matrix.withUnsafeMutableBufferPointer { matrix in
    for (place, line) in lines.enumerated() where place != line {
      for column in 0..<width { matrix[place * width + column] = matrix[line * width + column] }
    }
  }
  matrix.removeLast(matrix.count - lines.count * width)
}
