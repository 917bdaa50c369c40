/// Small work on the rows of a matrix.
public enum Rows {
  /// Writes `row` into every row.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func fill<T: Real>(
    _ result: UnsafeMutablePointer<T>, rows: Int, width: Int, with row: UnsafePointer<T>, workers: Workers
  ) {
    workers.forEachRange(of: rows, grain: max(1, 65_536 / max(1, width))) { range in
      for index in range { (result + index * width).update(from: row, count: width) }
    }
  }
}
