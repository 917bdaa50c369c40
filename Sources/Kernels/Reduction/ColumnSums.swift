/// Sums over the rows of a row-major matrix of single-precision numbers, in double precision.
public enum ColumnSums {
  /// Columns worth a thread; each adds up columns of its own, so that sums do not depend on how many there are.
  private static let grain = 128

  /// Adds each column of a matrix to its sum.
  public static func add(_ matrix: [Float], to sums: inout [Double], workers: Workers) {
    each(matrix, &sums, workers) { line, sums, columns in
      for column in columns { sums[column] += Double(line[column]) }
    }
  }

  /// Adds the square of each column of a matrix to its sum.
  public static func addSquares(of matrix: [Float], to sums: inout [Double], workers: Workers) {
    each(matrix, &sums, workers) { line, sums, columns in
      for column in columns { sums[column] += Double(line[column]) * Double(line[column]) }
    }
  }

  @inline(__always)
  private static func each(
    _ matrix: [Float], _ sums: inout [Double], _ workers: Workers,
    _ body: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Double>, Range<Int>) -> Void
  ) {
    let width = sums.count
    matrix.withUnsafeBufferPointer { matrix in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let start = matrix.baseAddress, let target = sums.baseAddress, width > 0 else { return }
        nonisolated(unsafe) let (first, sums, rows) = (start, target, matrix.count / width)
        workers.forEachRange(of: width, grain: grain) { columns in
          for row in 0..<rows { body(first + row * width, sums, columns) }
        }
      }
    }
  }
}
