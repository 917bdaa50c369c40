/// Gaussian elimination with partial pivoting.
public enum Elimination {
  public static func determinant<T: Real>(_ matrix: UnsafePointer<T>, _ size: Int) -> T {
    var rows = (0..<size * size).map { Double(matrix[$0]) }
    var determinant = 1.0
    for column in 0..<size {
      let pivot = (column..<size).max { abs(rows[$0 * size + column]) < abs(rows[$1 * size + column]) } ?? column
      guard rows[pivot * size + column] != 0 else { return 0 }
      if pivot != column {
        for index in 0..<size { rows.swapAt(pivot * size + index, column * size + index) }
        determinant = -determinant
      }
      determinant *= rows[column * size + column]
      for row in column + 1..<max(size, column + 1) {
        let factor = rows[row * size + column] / rows[column * size + column]
        for index in column..<size { rows[row * size + index] -= factor * rows[column * size + index] }
      }
    }
    return T(determinant)
  }
}
