/// Products of matrices of small integers, computed by floating-point products of so few terms that they are exact.
///
/// Differences of bytes and zero points are 255 at most, so 256 products sum up to less than 2²⁴, which `Float` holds
/// exactly. Longer sums are added up as integers.
public struct IntegerProduct: Sendable {
  /// Terms that sum up exactly.
  static let chunk = 256

  private let product: MatrixProduct

  public init(_ product: MatrixProduct) { self.product = product }

  /// Floats ``callAsFunction`` needs for rows of results.
  public static func scratchCount(rows: Int, columns: Int) -> Int { rows * columns }

  /// sums ← A·B, where A is `rows` × `inner` and B `inner` × `columns`, both of integers as floats.
  public func callAsFunction(
    rows: Int, columns: Int, inner: Int, _ a: MatrixProduct.Operand<Float>, _ b: MatrixProduct.Operand<Float>,
    sums: UnsafeMutablePointer<Int32>, scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    let count = rows * columns
    if inner == 0 { return sums.update(repeating: 0, count: count) }
    var start = 0
    while start < inner {
      let terms = min(Self.chunk, inner - start)
      product(
        rows: rows, columns: columns, inner: terms, a.from(row: 0, column: start), b.from(row: start, column: 0),
        scratch, leading: columns, workers: workers)
      if start == 0 {
        for index in 0..<count { sums[index] = Int32(scratch[index]) }
      } else {
        for index in 0..<count { sums[index] &+= Int32(scratch[index]) }
      }
      start += terms
    }
  }
}
