import COpenBLAS

/// C ← C + Aᵀ·B for matrices of many rows in single precision and sums in double.
///
/// Products of at most ``chunk`` rows are made in single precision, at its speed, and added up in double: the rounding
/// of a chunk does not grow with the number of rows.
public enum MomentProducts {
  private static let chunk = 512
  private static let tile = 512

  /// Columns of a row-major matrix of single-precision numbers.
  public struct Columns {
    let start: UnsafePointer<Float>
    /// From one row to the next.
    let stride: Int
    let count: Int

    public init(_ start: UnsafePointer<Float>, stride: Int, count: Int) {
      self.start = start
      self.stride = stride
      self.count = count
    }
  }

  /// - Parameters:
  ///   - isUpper: whether only what is on or above C's diagonal is wanted; more may be written.
  ///   - target: row-major, as many rows as A has columns and as many columns as B has.
  public static func add(
    _ a: Columns, _ b: Columns, rows: Int, isUpper: Bool, to target: UnsafeMutablePointer<Double>, workers: Workers
  ) throws(BLASError) {
    let blas = try BLAS.shared()
    guard rows > 0, a.count > 0, b.count > 0 else { return }
    let (down, across) = ((a.count - 1) / tile + 1, (b.count - 1) / tile + 1)
    let tiles = (0..<down).flatMap { row in
      ((isUpper ? row : 0)..<across).map { (row: row * tile, column: $0 * tile) }
    }
    nonisolated(unsafe) let (first, second) = (a, b)
    nonisolated(unsafe) let sums = target
    workers.forEach(tiles.count) { index in
      let (row, column) = tiles[index]
      let (height, width) = (min(tile, first.count - row), min(tile, second.count - column))
      withUnsafeTemporaryAllocation(of: Float.self, capacity: height * width) { product in
        guard let product = product.baseAddress else { return }
        for start in stride(from: 0, to: rows, by: chunk) {
          blas.sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(height), Int32(width), Int32(min(chunk, rows - start)), 1,
            first.start + start * first.stride + row, Int32(first.stride),
            second.start + start * second.stride + column, Int32(second.stride), 0, product, Int32(width))
          for line in 0..<height {
            let (from, to) = (product + line * width, sums + (row + line) * second.count + column)
            for position in 0..<width { to[position] += Double(from[position]) }
          }
        }
      }
    }
  }
}
