/// A symmetric matrix in double precision, row-major; only its upper triangle counts.
public struct SymmetricMatrix: Sendable {
  public let size: Int
  public var elements: [Double]

  public init(size: Int) {
    self.size = size
    elements = [Double](repeating: 0, count: size * size)
  }

  /// - Parameter elements: row-major; what is below the diagonal is not looked at.
  public init(size: Int, elements: [Double]) {
    self.size = size
    self.elements = elements
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

  /// x·A·xᵀ for a vector of as many elements as the matrix has rows; never negative.
  public func square(of vector: ArraySlice<Double>) -> Double {
    elements.withUnsafeBufferPointer { elements in
      vector.withUnsafeBufferPointer { vector in
        var sum = 0.0
        for row in 0..<size {
          var rest = 0.0
          for column in (row + 1)..<max(row + 1, size) { rest += elements[row * size + column] * vector[column] }
          sum += vector[row] * (vector[row] * elements[row * size + row] + 2 * rest)
        }
        return max(0, sum)
      }
    }
  }
}
