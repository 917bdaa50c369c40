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

  /// y = a + b + c over a row; a step of zero repeats an operand.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func add<T: Real>(
    _ a: UnsafePointer<T>, _ aStep: Int, _ b: UnsafePointer<T>, _ bStep: Int, _ c: UnsafePointer<T>, _ cStep: Int,
    _ y: UnsafeMutablePointer<T>, _ count: Int
  ) {
    if aStep == 1, bStep == 1, cStep == 1 {
      for index in 0..<count { y[index] = a[index] + b[index] + c[index] }
    } else {
      for index in 0..<count { y[index] = a[index * aStep] + b[index * bStep] + c[index * cStep] }
    }
  }
}
