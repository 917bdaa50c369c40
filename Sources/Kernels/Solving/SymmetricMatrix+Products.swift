import COpenBLAS

extension SymmetricMatrix {
  private static let tile = 256

  /// A ← A + s·B·Bᵀ for a row-major matrix B of as many rows as this one has.
  /// - Parameter start: the first column of a row that is not zero; later rows have no earlier one.
  public mutating func addSquare(
    ofRows rows: [Double], times scale: Double, workers: Workers, startingAt start: (_ row: Int) -> Int = { _ in 0 }
  ) throws(BLASError) {
    guard size > 0, !rows.isEmpty else { return }
    let (blas, size, width) = (try BLAS.shared(), size, rows.count / size)
    let count = (size - 1) / Self.tile + 1
    // Those of many products first.
    let tiles = (0..<count).flatMap { column in (0...column).map { (row: $0, column: column) } }
    let starts = (0..<count).map { start($0 * Self.tile) }
    elements.withUnsafeMutableBufferPointer { elements in
      rows.withUnsafeBufferPointer { rows in
        guard let target = elements.baseAddress, let source = rows.baseAddress else { return }
        nonisolated(unsafe) let (sums, rows) = (target, source)
        workers.forEach(tiles.count) { index in
          let (row, column) = (tiles[index].row * Self.tile, tiles[index].column * Self.tile)
          let first = starts[tiles[index].column]
          blas.dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(min(Self.tile, size - row)),
            Int32(min(Self.tile, size - column)), Int32(width - first), scale, rows + (row * width + first),
            Int32(width), rows + (column * width + first), Int32(width), 1, sums + (row * size + column), Int32(size))
        }
      }
    }
  }

  /// Leaves some rows, and the same columns.
  /// - Parameter indices: ascending.
  public mutating func keep(_ indices: [Int]) {
    let size = size
    elements.withUnsafeMutableBufferPointer { elements in
      indices.withUnsafeBufferPointer { indices in
        // Nothing is written where something is still to be read.
        for row in 0..<indices.count {
          let (source, target) = (indices[row] * size, row * indices.count)
          for column in row..<indices.count { elements[target + column] = elements[source + indices[column]] }
        }
      }
    }
    elements.removeLast(elements.count - indices.count * indices.count)
    self.size = indices.count
  }

  /// Elements of some rows and some columns, row-major.
  public func block(rows: [Int], columns: [Int]) -> [Double] {
    elements.withUnsafeBufferPointer { elements in
      [Double](unsafeUninitializedCapacity: rows.count * columns.count) { block, count in
        count = rows.count * columns.count
        for (place, row) in rows.enumerated() {
          let target = place * columns.count
          for (offset, column) in columns.enumerated() {
            block[target + offset] = elements[row <= column ? row * size + column : column * size + row]
          }
        }
      }
    }
  }
}
