import COpenBLAS

/// A symmetric matrix in double precision, row-major; only its upper triangle counts.
public struct SymmetricMatrix: Sendable {
  public internal(set) var size: Int
  public var elements: [Double]

  public init(size: Int, workers: Workers = .one) {
    self.size = size
    elements = workers.zeros(size * size)
  }

  /// - Parameter elements: row-major; what is below the diagonal is not looked at.
  public init(size: Int, elements: [Double]) {
    self.size = size
    self.elements = elements
  }

  /// s·B·Bᵀ for a row-major matrix B of `size` rows.
  public init(size: Int, squareOf rows: [Double], times scale: Double = 1) throws(BLASError) {
    self.init(size: size)
    guard size > 0, !rows.isEmpty else { return }
    let (blas, width) = (try BLAS.shared(), Int32(rows.count / size))
    elements.withUnsafeMutableBufferPointer { elements in
      blas.dsyrk(
        CblasRowMajor, CblasUpper, CblasNoTrans, Int32(size), width, scale, rows, width, 0, elements.baseAddress,
        Int32(size))
    }
  }

  /// Bᵀ·B for a row-major matrix B of `size` columns in single precision; see ``MomentProducts``.
  public init(size: Int, squareOfColumns rows: [Float]) throws(BLASError) {
    self.init(size: size)
    guard size > 0 else { return }
    try rows.withUnsafeBufferPointer { (rows) throws(BLASError) in
      try elements.withUnsafeMutableBufferPointer { (sums) throws(BLASError) in
        guard let start = rows.baseAddress, let sums = sums.baseAddress else { return }
        try MomentProducts.addSquare(
          of: MomentProducts.Columns(start, stride: size, count: size), rows: rows.count / size, to: sums,
          workers: .one)
      }
    }
  }

  public subscript(row: Int, column: Int) -> Double {
    row <= column ? elements[row * size + column] : elements[column * size + row]
  }

  public var diagonal: [Double] { (0..<size).map { elements[$0 * size + $0] } }

  public var meanDiagonal: Double { size == 0 ? 0 : diagonal.reduce(0, +) / Double(size) }

  public mutating func scale(by factor: Double) {
    elements.withUnsafeMutableBufferPointer { values in for index in values.indices { values[index] *= factor } }
  }

  public mutating func addToDiagonal(_ value: Double) {
    for index in 0..<size { elements[index * size + index] += value }
  }

  public mutating func subtract(_ other: SymmetricMatrix) {
    elements.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] -= other.elements[index] }
    }
  }

  /// Writes below the diagonal what is above it.
  public mutating func fillLowerTriangle() {
    elements.withUnsafeMutableBufferPointer { values in
      for row in 0..<size { for column in 0..<row { values[row * size + column] = values[column * size + row] } }
    }
  }

  /// A ← A − x·xᵀ.
  public mutating func subtractSquare(of vector: [Double]) { addSquare(of: vector, times: -1) }

  /// A ← A + s·x·xᵀ.
  public mutating func addSquare(of vector: [Double], times scale: Double) {
    elements.withUnsafeMutableBufferPointer { values in
      for row in 0..<size where vector[row] != 0 {
        let factor = scale * vector[row]
        for column in row..<size { values[row * size + column] += factor * vector[column] }
      }
    }
  }

  /// The matrix of some rows and the same columns.
  public func keeping(_ indices: [Int]) -> SymmetricMatrix {
    var result = SymmetricMatrix(size: indices.count)
    for (row, from) in indices.enumerated() {
      for column in row..<indices.count { result.elements[row * indices.count + column] = self[from, indices[column]] }
    }
    return result
  }

  /// Σ x·A·xᵀ over the rows of a row-major matrix as wide as this one.
  public func sumOfSquares(of rows: [Double]) throws(BLASError) -> Double {
    guard size > 0, !rows.isEmpty else { return 0 }
    let blas = try BLAS.shared()
    let width = Int32(size)
    var products = [Double](repeating: 0, count: rows.count)
    products.withUnsafeMutableBufferPointer { products in
      rows.withUnsafeBufferPointer { rows in
        elements.withUnsafeBufferPointer { elements in
          blas.dsymm(
            CblasRowMajor, CblasRight, CblasUpper, Int32(rows.count / size), width, 1, elements.baseAddress, width,
            rows.baseAddress, width, 0, products.baseAddress, width)
        }
      }
    }
    let sum = zip(rows, products).reduce(0) { $0 + $1.0 * $1.1 }
    // What is no number stays so.
    return sum < 0 ? 0 : sum
  }
}
