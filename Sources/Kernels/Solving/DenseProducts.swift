import COpenBLAS

/// Products of row-major matrices.
public enum DenseProducts {
  private static let grain = 256

  /// C ← C − A·Bᵀ in double precision.
  /// - Parameter inner: columns of A and of B.
  public static func subtract(
    _ a: [Double], _ b: [Double], inner: Int, from target: inout [Double], workers: Workers
  ) throws(BLASError) {
    let product = try BLAS.shared().dgemm
    multiply(a, b, inner: inner, target: &target, workers) { height, width, inner, a, b, sums in
      product(
        CblasRowMajor, CblasNoTrans, CblasTrans, height, width, inner, -1, a, inner, b, inner, 1, sums, width)
    }
  }

  /// C ← C + A·Bᵀ in single precision.
  /// - Parameter inner: columns of A and of B.
  public static func add(
    _ a: [Float], _ b: [Float], inner: Int, to target: inout [Float], workers: Workers
  ) throws(BLASError) {
    let product = try BLAS.shared().sgemm
    multiply(a, b, inner: inner, target: &target, workers) { height, width, inner, a, b, sums in
      product(
        CblasRowMajor, CblasNoTrans, CblasTrans, height, width, inner, 1, a, inner, b, inner, 1, sums, width)
    }
  }

  /// Some rows of A by all of B, in as many pieces as there are rows for.
  private static func multiply<Element>(
    _ a: [Element], _ b: [Element], inner: Int, target: inout [Element], _ workers: Workers,
    _ product: (
      _ height: Int32, _ width: Int32, _ inner: Int32, _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>,
      _ sums: UnsafeMutablePointer<Element>
    ) -> Void
  ) {
    guard inner > 0, !a.isEmpty, !b.isEmpty else { return }
    let (height, width) = (a.count / inner, b.count / inner)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        target.withUnsafeMutableBufferPointer { target in
          guard let first = a.baseAddress, let second = b.baseAddress, let sums = target.baseAddress else { return }
          nonisolated(unsafe) let (left, right, result) = (first, second, sums)
          workers.forEachRange(of: height, grain: grain) { rows in
            product(
              Int32(rows.count), Int32(width), Int32(inner), left + rows.lowerBound * inner, right,
              result + rows.lowerBound * width)
          }
        }
      }
    }
  }

  /// The sum of the squares of A·B's elements, in single precision.
  /// - Parameter inner: columns of A, and rows of B.
  public static func squaredNorm(_ a: [Float], _ b: [Float], inner: Int) throws(BLASError) -> Double {
    let blas = try BLAS.shared()
    guard inner > 0, !a.isEmpty, !b.isEmpty else { return 0 }
    let (height, width) = (a.count / inner, b.count / inner)
    var (sum, product) = (0.0, [Float](repeating: 0, count: min(grain, height) * width))
    a.withUnsafeBufferPointer { left in
      product.withUnsafeMutableBufferPointer { product in
        guard let start = left.baseAddress else { return }
        for row in stride(from: 0, to: height, by: grain) {
          let count = min(grain, height - row)
          blas.sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(count), Int32(width), Int32(inner), 1,
            start + row * inner, Int32(inner), b, Int32(width), 0, product.baseAddress, Int32(width))
          for index in 0..<(count * width) { sum += Double(product[index]) * Double(product[index]) }
        }
      }
    }
    return sum
  }
}
