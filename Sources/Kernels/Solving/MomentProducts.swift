import COpenBLAS

/// Products of the columns of matrices of many rows in single precision, and sums in double.
///
/// Products of at most ``chunk`` rows are made in single precision, at its speed, and added up in double: the rounding
/// of a chunk does not grow with the number of rows.
public enum MomentProducts {
  private static let chunk = 512
  fileprivate static let tile = 512

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

  /// C ← C + Aᵀ·B.
  /// - Parameter target: row-major, as many rows as A has columns and as many columns as B has.
  public static func add(
    _ a: Columns, _ b: Columns, rows: Int, to target: UnsafeMutablePointer<Double>, workers: Workers
  ) throws(BLASError) {
    let blas = try BLAS.shared()
    guard rows > 0, a.count > 0, b.count > 0 else { return }
    let across = (b.count - 1) / tile + 1
    nonisolated(unsafe) let sums = Sums(target, width: b.count)
    nonisolated(unsafe) let (first, second) = (a, b)
    workers.forEach(((a.count - 1) / tile + 1) * across) { index in
      let (left, right) = (first.tile(index / across), second.tile(index % across))
      sums.add(left, right, rows: rows, isTriangle: false, blas)
    }
  }

  /// C ← C + Aᵀ·B.
  /// - Parameters:
  ///   - a: row-major.
  ///   - b: likewise.
  ///   - lines: rows of both.
  public static func add(
    _ a: [Float], _ b: [Float], lines: Int, to target: inout [Double], workers: Workers
  ) throws(BLASError) {
    guard lines > 0 else { return }
    try a.withUnsafeBufferPointer { (a) throws(BLASError) in
      try b.withUnsafeBufferPointer { (b) throws(BLASError) in
        try target.withUnsafeMutableBufferPointer { (target) throws(BLASError) in
          guard let first = a.baseAddress, let second = b.baseAddress, let sums = target.baseAddress else { return }
          try add(
            Columns(first, stride: a.count / lines, count: a.count / lines),
            Columns(second, stride: b.count / lines, count: b.count / lines), rows: lines, to: sums, workers: workers)
        }
      }
    }
  }

  /// C ← C + Aᵀ·A, on and above the diagonal.
  public static func addSquare(
    of a: Columns, rows: Int, to target: UnsafeMutablePointer<Double>, workers: Workers
  ) throws(BLASError) {
    let blas = try BLAS.shared()
    guard rows > 0, a.count > 0 else { return }
    let count = (a.count - 1) / tile + 1
    let tiles = (0..<count).flatMap { row in (row..<count).map { (row, $0) } }
    nonisolated(unsafe) let (columns, sums) = (a, Sums(target, width: a.count))
    workers.forEach(tiles.count) { index in
      let (row, column) = tiles[index]
      sums.add(columns.tile(row), columns.tile(column), rows: rows, isTriangle: row == column, blas)
    }
  }

  /// Where products are added up.
  private struct Sums {
    let start: UnsafeMutablePointer<Double>
    let width: Int

    init(_ start: UnsafeMutablePointer<Double>, width: Int) {
      self.start = start
      self.width = width
    }

    /// Adds what one tile's columns make with another's.
    /// - Parameter isTriangle: whether they are the same, and nothing below the diagonal is wanted.
    func add(_ a: Tile, _ b: Tile, rows: Int, isTriangle: Bool, _ blas: BLAS) {
      withUnsafeTemporaryAllocation(of: Float.self, capacity: a.count * b.count) { product in
        guard let product = product.baseAddress else { return }
        for line in stride(from: 0, to: rows, by: chunk) {
          let count = Int32(min(chunk, rows - line))
          if isTriangle {
            blas.ssyrk(
              CblasRowMajor, CblasUpper, CblasTrans, Int32(a.count), count, 1, a.start + line * a.stride,
              Int32(a.stride), 0, product, Int32(a.count))
          } else {
            blas.sgemm(
              CblasRowMajor, CblasTrans, CblasNoTrans, Int32(a.count), Int32(b.count), count, 1,
              a.start + line * a.stride, Int32(a.stride), b.start + line * b.stride, Int32(b.stride), 0, product,
              Int32(b.count))
          }
          for row in 0..<a.count {
            let (from, to) = (product + row * b.count, start + (a.offset + row) * width + b.offset)
            for column in (isTriangle ? row : 0)..<b.count { to[column] += Double(from[column]) }
          }
        }
      }
    }
  }

  /// Some of the columns.
  fileprivate struct Tile {
    let start: UnsafePointer<Float>
    let stride: Int
    let offset: Int
    let count: Int
  }
}

extension MomentProducts.Columns {
  fileprivate func tile(_ index: Int) -> MomentProducts.Tile {
    let offset = index * MomentProducts.tile
    return MomentProducts.Tile(
      start: start + offset, stride: stride, offset: offset, count: min(MomentProducts.tile, count - offset))
  }
}
