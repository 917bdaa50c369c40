import COpenBLAS

/// C ← C − A·Bᵀ for row-major matrices in double precision.
public enum MatrixUpdate {
  private static let grain = 256

  /// - Parameter inner: columns of A and of B.
  public static func subtract(
    _ a: [Double], _ b: [Double], inner: Int, from target: inout [Double], workers: Workers
  ) throws(BLASError) {
    let blas = try BLAS.shared()
    guard inner > 0, !a.isEmpty, !b.isEmpty else { return }
    let (height, width) = (a.count / inner, b.count / inner)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        target.withUnsafeMutableBufferPointer { target in
          guard let first = a.baseAddress, let second = b.baseAddress, let sums = target.baseAddress else { return }
          nonisolated(unsafe) let (left, right, result) = (first, second, sums)
          workers.forEachRange(of: height, grain: grain) { rows in
            blas.dgemm(
              CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows.count), Int32(width), Int32(inner), -1,
              left + rows.lowerBound * inner, Int32(inner), right, Int32(inner), 1, result + rows.lowerBound * width,
              Int32(width))
          }
        }
      }
    }
  }
}
