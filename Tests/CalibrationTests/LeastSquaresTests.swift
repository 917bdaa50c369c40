import Kernels
import Testing

@testable import Calibration

/// The layer's new matrix, against a regression by Gaussian elimination.
@Suite("Least squares")
struct LeastSquaresTests {
  private struct Rows {
    var x: DenseMatrix
    let y: DenseMatrix
    let old: DenseMatrix
  }

  /// Targets half of which the inputs make; nothing has mean zero.
  private func rows(_ count: Int, columns: Int = 7, outputs: Int = 3, seed: UInt64 = 1) -> Rows {
    var numbers = Numbers(seed: seed)
    let means = numbers.doubles(columns)
    let x = DenseMatrix(count, columns, numbers.doubles(count * columns)).adding(row: means)
    let truth = DenseMatrix(columns, outputs, numbers.doubles(columns * outputs))
    let noise = DenseMatrix(count, outputs, numbers.doubles(count * outputs))
    let y = (x * truth + noise).adding(row: numbers.doubles(outputs))
    return Rows(x: rounded(x), y: rounded(y), old: DenseMatrix(outputs, columns, numbers.doubles(outputs * columns)))
  }

  /// What single precision makes of a matrix.
  private func rounded(_ matrix: DenseMatrix) -> DenseMatrix {
    DenseMatrix(matrix.rows, matrix.columns, matrix.floats.map { Double($0) })
  }

  private func solved(_ rows: Rows, damping: Double = 0, isCentred: Bool = true) throws -> LeastSquares {
    try LeastSquares(
      try LayerMoments(rows.x, rows.y), matrices: [rows.old.elements], damping: damping, isCentred: isCentred)
  }

  private func matrix(_ solution: LeastSquares, _ rows: Rows) throws -> DenseMatrix {
    let elements = try #require(solution.matrices.first)
    return DenseMatrix(rows.old.rows, rows.old.columns, elements)
  }

  /// What a solution leaves of the targets.
  private func errors(_ solution: LeastSquares, _ rows: Rows) throws -> DenseMatrix {
    (rows.x * (try matrix(solution, rows)).transposed).adding(row: solution.shifts) - rows.y
  }

  // MARK: Against regression

  @Test("without damping it is the regression on the inputs", arguments: [40, 512, 1300], [true, false])
  func regression(count: Int, isCentred: Bool) throws {
    let rows = rows(count)
    let solution = try solved(rows, isCentred: isCentred)
    let expected = rows.y.regression(on: rows.x, hasIntercept: isCentred)
    #expect(try relativeError(matrix(solution, rows).elements, expected.matrix.elements) <= 1e-4)
    #expect(relativeError(solution.shifts, expected.shift) <= 1e-4)
  }

  @Test("the share that is not explained, and the variances, are those of the rows themselves")
  func shares() throws {
    let rows = rows(700)
    let solution = try solved(rows, damping: 0.01)
    let targets = rows.y.centred.squaredNorm
    let left = try errors(solution, rows).squaredNorm
    #expect(relativeError([solution.unexplainedShare], [left / targets]) <= 1e-4)
    let made = (rows.x * (try matrix(solution, rows)).transposed).centred
    func variances(_ matrix: DenseMatrix) -> [Double] {
      (0..<matrix.columns).map { matrix.keeping(columns: [$0]).squaredNorm / Double(matrix.rows) }
    }
    #expect(relativeError(solution.variances, variances(made)) <= 1e-4)
    #expect(relativeError(solution.targetVariances, variances(rows.y.centred)) <= 1e-4)
  }

  @Test("a layer that still makes what it should keeps its matrix", arguments: [0, 0.01, 1])
  func sound(damping: Double) throws {
    var rows = rows(700)
    let bias = [0.5, -1, 2]
    rows = Rows(x: rows.x, y: rounded((rows.x * rows.old.transposed).adding(row: bias)), old: rows.old)
    let solution = try solved(rows, damping: damping)
    #expect(try relativeError(matrix(solution, rows).elements, rows.old.elements) <= 1e-4)
    #expect(relativeError(solution.shifts, bias) <= 1e-4)
    #expect(solution.unexplainedShare <= 1e-5)
  }

  @Test("more damping leaves the matrix nearer to what it was")
  func pull() throws {
    let rows = rows(300)
    let distances = try [0, 0.1, 1, 10, 1e6].map { damping in
      (try matrix(try solved(rows, damping: damping), rows) - rows.old).squaredNorm
    }
    #expect(distances == distances.sorted(by: >))
    let last = try #require(distances.last)
    #expect(last <= 1e-6)
  }

  // MARK: Inputs that say nothing

  @Test("an input that never varies keeps its weight", arguments: [0, 2, -3] as [Double])
  func deadInput(constant: Double) throws {
    var numbers = Numbers(seed: 3)
    var x = DenseMatrix(200, 4, numbers.integers(800, in: -2...4))
    for row in 0..<x.rows { x[row, 2] = constant }
    let y = DenseMatrix(200, 2, numbers.integers(400, in: -3...5))
    let rows = Rows(x: x, y: y, old: DenseMatrix(2, 4, numbers.doubles(8)))
    let found = try matrix(try solved(rows, damping: 0.01), rows)
    for row in 0..<2 { #expect(abs(found[row, 2] - rows.old[row, 2]) <= 1e-9) }
    let undamped = try solved(rows)
    let expected = rows.y.regression(on: rows.x.keeping(columns: [0, 1, 3])).matrix
    #expect(undamped.matrices.joined().allSatisfy(\.isFinite) && undamped.shifts.allSatisfy(\.isFinite))
    let others = try matrix(undamped, rows).keeping(columns: [0, 1, 3])
    #expect(relativeError(others.elements, expected.elements) <= 1e-4)
  }

  @Test(
    "inputs none of which varies leave the matrix, and only the bias follows the targets", arguments: [64, 100, 1000])
  func constantInputs(count: Int) throws {
    var numbers = Numbers(seed: 4)
    // No sums of these are exact: rounding must not pass for variance.
    let x = rounded(DenseMatrix(count, 4).adding(row: [0.1, 0.7, -1.3, 2.2]))
    let rows = Rows(
      x: x, y: rounded(DenseMatrix(count, 2, numbers.doubles(2 * count))), old: DenseMatrix(2, 4, numbers.doubles(8)))
    let solution = try solved(rows, damping: 0.01)
    #expect(try relativeError(matrix(solution, rows).elements, rows.old.elements) <= 1e-2)
    let left = try errors(solution, rows)
    #expect(left.columnMeans.allSatisfy { abs($0) <= 1e-5 })
  }

  @Test("inputs that are zero throughout leave the matrix to the bit", arguments: [true, false])
  func zeros(isCentred: Bool) throws {
    let whole = self.rows(100)
    let rows = Rows(x: DenseMatrix(100, 7), y: whole.y, old: whole.old)
    let solution = try solved(rows, damping: 0.01, isCentred: isCentred)
    #expect(solution.matrices == [rows.old.elements])
    #expect(relativeError(solution.shifts, isCentred ? rows.y.columnMeans : [0, 0, 0]) <= 1e-6)
  }

  @Test("where the covariance is singular damping is raised until there is a solution, and the solution is good")
  func singular() throws {
    var numbers = Numbers(seed: 5)
    // Twenty-four inputs of rank four: what rounding makes of the other twenty has either sign.
    let base = DenseMatrix(600, 4, numbers.doubles(2400)).adding(row: [1, -1, 2, 0.5])
    let x = rounded(base * DenseMatrix(4, 24, numbers.doubles(96)))
    let y = rounded(base * DenseMatrix(4, 2, numbers.doubles(8)))
    let rows = Rows(x: x, y: y, old: DenseMatrix(2, 24, numbers.doubles(48)))
    let solution = try solved(rows)
    #expect(solution.damping > 1e-11 && solution.damping < 1e-3)
    let left = try errors(solution, rows).squaredNorm
    #expect(left <= 1e-4 * rows.y.centred.squaredNorm)
  }

  @Test("no rows at all leave the matrix")
  func noRows() throws {
    let rows = rows(10)
    let moments = LayerMoments(groups: 1, columns: 7, rows: 3)
    let solution = try LeastSquares(moments, matrices: [rows.old.elements], damping: 0.01, isCentred: true)
    #expect(solution.matrices == [rows.old.elements] && solution.shifts == [0, 0, 0])
  }

  // MARK: Groups

  @Test("a layer in groups is solved group by group", arguments: [true, false])
  func groups(isCentred: Bool) throws {
    let parts = [rows(300, columns: 4, outputs: 2, seed: 6), rows(300, columns: 4, outputs: 2, seed: 7)]
    func beside(_ part: (Rows) -> DenseMatrix) -> [Float] {
      (0..<300).flatMap { row in parts.flatMap { part($0).keeping(rows: [row]).floats } }
    }
    let moments = try LayerMoments(beside { $0.x }, beside { $0.y }, groups: 2, columns: 4, rows: 2)
    let solution = try LeastSquares(
      moments, matrices: parts.map { $0.old.elements }, damping: 0.01, isCentred: isCentred)
    for (group, part) in parts.enumerated() {
      let own = try solved(part, damping: 0.01, isCentred: isCentred)
      #expect(relativeError(solution.matrices[group], own.matrices.flatMap { $0 }) <= 1e-5)
      let range = (group * 2)..<(group * 2 + 2)
      #expect(relativeError(Array(solution.shifts[range]), own.shifts) <= 1e-5)
      #expect(relativeError(Array(solution.variances[range]), own.variances) <= 1e-5)
      #expect(relativeError(Array(solution.targetVariances[range]), own.targetVariances) <= 1e-5)
    }
  }

  @Test("rows may come in parts")
  func parts() throws {
    let rows = rows(300)
    var moments = LayerMoments(groups: 1, columns: 7, rows: 3)
    for part in [Array(0..<100), Array(100..<110), Array(110..<300)] {
      try moments.add(rows.x.keeping(rows: part).floats, rows.y.keeping(rows: part).floats, workers: .one)
    }
    #expect(moments.count == 300)
    let found = try LeastSquares(moments, matrices: [rows.old.elements], damping: 0.01, isCentred: true)
    let expected = try solved(rows, damping: 0.01)
    #expect(relativeError(found.matrices.flatMap { $0 }, expected.matrices.flatMap { $0 }) <= 1e-5)
  }
}
