import Kernels
import Testing

@Suite("Cholesky factorizations")
struct CholeskyTests {
  private static let size = 40

  /// B·Bᵀ/n + I/2.
  private func matrix(seed: Int) throws -> SymmetricMatrix {
    var random = RandomNumbers(seed: seed)
    let numbers = random.floats(Self.size * Self.size).map { Double($0) }
    var matrix = try SymmetricMatrix(size: Self.size, squareOf: numbers, times: 1 / Double(Self.size))
    matrix.addToDiagonal(0.5)
    return matrix
  }

  /// The largest difference, as a share of the largest number.
  private func relativeError(_ found: [Float], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let scale = expected.reduce(0.0) { max($0, abs($1)) }
    return zip(found, expected).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) } / scale
  }

  @Test("rows are divided by the factor in single precision as in double", arguments: 1...3)
  func whiten(seed: Int) throws {
    let factor = try #require(try Cholesky(try matrix(seed: seed)))
    var random = RandomNumbers(seed: seed + 10)
    let rows = random.floats(5 * Self.size)
    let expected = try factor.whiten(rows: rows.map { Double($0) })
    var found = rows
    try factor.whiten(&found)
    #expect(relativeError(found, expected) <= 1e-5)
  }

  @Test("the inverse factor in single precision is that in double, with zeros below the diagonal", arguments: 1...3)
  func inverseFactor(seed: Int) throws {
    let factor = try #require(try Cholesky(try matrix(seed: seed)))
    let identity = (0..<(Self.size * Self.size)).map { $0 / Self.size == $0 % Self.size ? 1.0 : 0.0 }
    let expected = try factor.whiten(rows: identity)
    let found = try factor.singleInverseFactor()
    #expect(relativeError(found, expected) <= 1e-5)
    for row in 0..<Self.size { #expect(found[(row * Self.size)..<(row * Self.size + row)].allSatisfy { $0 == 0 }) }
    // A⁻¹ = U⁻¹·U⁻ᵀ.
    let product = try SymmetricMatrix(size: Self.size, squareOf: found.map { Double($0) })
    let inverse = try factor.inverse()
    #expect(relativeError(product.elements.map { Float($0) }, inverse.elements) <= 1e-5)
  }

  @Test("a matrix may have no columns, or one")
  func smallest() throws {
    let none = try #require(try Cholesky(SymmetricMatrix(size: 0)))
    var noRows: [Float] = []
    try none.whiten(&noRows)
    let noFactor = try none.singleInverseFactor()
    #expect(noRows.isEmpty && noFactor.isEmpty)
    let four = try #require(try Cholesky(SymmetricMatrix(size: 1, elements: [4])))
    var halves: [Float] = [6, -1]
    try four.whiten(&halves)
    let half = try four.singleInverseFactor()
    #expect(halves == [3, -0.5] && half == [0.5])
  }

  @Test("damping is what is added to the diagonal before")
  func damping() throws {
    let matrix = try matrix(seed: 1)
    var raised = matrix
    raised.addToDiagonal(0.3)
    let (damped, plain) = (try #require(try Cholesky(matrix, damping: 0.3)), try #require(try Cholesky(raised)))
    var random = RandomNumbers(seed: 2)
    let rows = random.floats(3 * Self.size).map { Double($0) }
    let (found, expected) = (try damped.solve(rows: rows), try plain.solve(rows: rows))
    #expect(found == expected)
  }

  @Test("a matrix that is not positive definite has a factorization with enough damping only")
  func indefinite() throws {
    // Its eigenvalues are 3 and −1.
    let matrix = SymmetricMatrix(size: 2, elements: [1, 2, 2, 1])
    #expect(try Cholesky(matrix) == nil)
    #expect(try Cholesky(matrix, damping: 0.5) == nil)
    #expect(try Cholesky(matrix, damping: 2) != nil)
  }
}
