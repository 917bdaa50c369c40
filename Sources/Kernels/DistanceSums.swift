import COpenBLAS

/// Sums of Euclidean distances between the rows of a matrix.
public enum DistanceSums {
  /// For each row the sum over all rows of ‖aᵢ − aⱼ‖₂; not a number for rows that hold a number that is not finite,
  /// which count nothing for the others.
  ///
  /// ‖aᵢ − aⱼ‖² = ‖aᵢ‖² + ‖aⱼ‖² − 2⟨aᵢ, aⱼ⟩, with the products of blocks of rows from one GEMM each. Rows are centred
  /// first, which changes no distance and keeps the difference from cancelling; pairs so close that it would cancel all
  /// the same are measured directly. O(rows² · columns) operations, memory for the matrix and one block of products.
  /// - Throws: where OpenBLAS cannot be loaded.
  public static func sums(of matrix: SliceMatrix) throws(BLASError) -> [Double] {
    let blas = try BLAS.shared()
    let (rows, columns) = (matrix.rows, matrix.columns)
    var sums = [Double](repeating: 0, count: rows)
    guard rows > 0, columns > 0 else { return sums }
    let (values, isFinite) = centred(matrix)
    let norms = (0..<rows).map { row in
      values[(row * columns)..<((row + 1) * columns)].reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: rows, by: blockRows) {
        let height = min(blockRows, rows - start)
        let products = products(blas, of: values, from: start, height: height, rows: rows, columns: columns)
        for row in start..<(start + height) where isFinite[row] {
          let line = (row - start) * (rows - start) - start
          for other in (row + 1)..<rows where isFinite[other] {
            let scale = norms[row] + norms[other]
            var square = products.map { scale - 2 * Double($0[line + other]) } ?? 0
            if square < 1e-3 * scale || products == nil {
              square = squaredDistance(values, row * columns, other * columns, columns)
            }
            let distance = square.squareRoot()
            sums[row] += distance
            sums[other] += distance
          }
        }
      }
    }
    for row in 0..<rows where !isFinite[row] { sums[row] = .nan }
    return sums
  }

  private static let blockRows = 256

  /// ⟨aᵢ, aⱼ⟩ for the rows of a block against all rows from the block's first on; `nil` where BLAS cannot count so far.
  private static func products(
    _ blas: BLAS, of values: UnsafeBufferPointer<Float>, from start: Int, height: Int, rows: Int, columns: Int
  ) -> [Float]? {
    guard let m = Int32(exactly: height), let n = Int32(exactly: rows - start), let k = Int32(exactly: columns),
      let base = values.baseAddress
    else { return nil }
    let block = base + start * columns
    return [Float](unsafeUninitializedCapacity: height * (rows - start)) { result, count in
      blas.sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, block, k, block, k, 0, result.baseAddress, n)
      count = height * (rows - start)
    }
  }

  /// The rows less their mean, rows that are not finite set to zero, and which rows are finite.
  private static func centred(_ matrix: SliceMatrix) -> (values: [Float], isFinite: [Bool]) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    var values = matrix.elements
    let isFinite = (0..<rows).map { row in
      values[(row * columns)..<((row + 1) * columns)].reduce(Float(0)) { $0 + $1 * 0 } == 0
    }
    let count = isFinite.count { $0 }
    var mean = [Float](repeating: 0, count: columns)
    for row in 0..<rows where isFinite[row] {
      for column in 0..<columns { mean[column] += values[row * columns + column] }
    }
    for column in 0..<columns { mean[column] /= Float(max(count, 1)) }
    values.withUnsafeMutableBufferPointer { values in
      for row in 0..<rows {
        for column in 0..<columns {
          let index = row * columns + column
          values[index] = isFinite[row] ? values[index] - mean[column] : 0
        }
      }
    }
    return (values, isFinite)
  }

  private static func squaredDistance(
    _ values: UnsafeBufferPointer<Float>, _ first: Int, _ second: Int, _ columns: Int
  ) -> Double {
    var sum = 0.0
    for column in 0..<columns {
      let difference = Double(values[first + column]) - Double(values[second + column])
      sum += difference * difference
    }
    return sum
  }
}
