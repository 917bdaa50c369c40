import Kernels
import Testing

@testable import Calibration

/// The exact facts that the repair of layers rests on, by random matrices.
///
/// A layer computes W·x. P are the columns that are removed, S those that stay, H = 2/N·X·Xᵀ + λ·I and G = H⁻¹
/// (Hassibi and Stork, "Second order derivatives for network pruning: optimal brain surgeon", 1992; in blocks, Kurtic,
/// Frantar and Alistarh, "ZipLM", 2023).
@Suite("Identities of the optimal brain surgeon")
struct BrainSurgeonIdentityTests {
  private static let tolerance = 1e-10
  private static let removed = [1, 4, 5]
  private static let kept = [0, 2, 3, 6, 7]
  private static let seeds: [UInt64] = [1, 2, 3, 4, 5]

  // MARK: Matrices in double precision

  private struct Layer {
    /// Three outputs of eight inputs.
    let weight: DenseMatrix
    let hessian: DenseMatrix
  }

  private func layer(seed: UInt64, damping: Double = 0.01) -> Layer {
    var numbers = Numbers(seed: seed)
    let weight = DenseMatrix(3, 8, numbers.doubles(24))
    let mixing = DenseMatrix(8, 8, numbers.doubles(64)) + DenseMatrix.identity(8)
    let samples = DenseMatrix(60, 8, numbers.doubles(480)) * mixing
    let squares = (samples.transposed * samples).scaled(by: 2.0 / 60)
    let hessian = squares + DenseMatrix.identity(8, times: damping)
    return Layer(weight: weight, hessian: hessian)
  }

  private func factor(_ matrix: SymmetricMatrix) throws -> Cholesky {
    let factor = try Cholesky(matrix)
    return try #require(factor, "not positive definite")
  }

  private func inverse(_ matrix: SymmetricMatrix) throws -> DenseMatrix {
    DenseMatrix(try factor(matrix).inverse())
  }

  /// B·A⁻¹.
  private func quotient(_ b: DenseMatrix, _ a: SymmetricMatrix) throws -> DenseMatrix {
    DenseMatrix(b.rows, b.columns, try factor(a).solve(rows: b.elements))
  }

  /// W·H_:S·(H_SS)⁻¹, the solution for all removed columns at once.
  private func jointSolution(_ layer: Layer) throws -> DenseMatrix {
    let across = layer.hessian.keeping(columns: Self.kept)
    return try quotient(layer.weight * across, layer.hessian.symmetric.keeping(Self.kept))
  }

  private func expectEqual(_ found: DenseMatrix, _ expected: DenseMatrix) {
    #expect(relativeError(found.elements, expected.elements) <= Self.tolerance)
  }

  // MARK: Factorization

  @Test("a factorization solves, inverts and whitens as Gaussian elimination does", arguments: seeds)
  func factorization(seed: UInt64) throws {
    let layer = layer(seed: seed)
    let quotient = layer.weight.dividing(by: layer.hessian)
    expectEqual(try self.quotient(layer.weight, layer.hessian.symmetric), quotient)
    expectEqual(try inverse(layer.hessian.symmetric), DenseMatrix.identity(8).dividing(by: layer.hessian))
    let white = DenseMatrix(3, 8, try factor(layer.hessian.symmetric).whiten(rows: layer.weight.elements))
    expectEqual(white * white.transposed, quotient * layer.weight.transposed)
  }

  @Test("a matrix that is not positive definite has no factorization")
  func indefinite() throws {
    let isFactored = try Cholesky(DenseMatrix(2, 2, [1, 2, 2, 1]).symmetric) != nil
    #expect(!isFactored)
  }

  // MARK: Removal

  @Test("removal by the inverse equals one solve of what is left: W_S − W_P·(G_PP)⁻¹·G_PS", arguments: seeds)
  func removalByInverse(seed: UInt64) throws {
    let layer = layer(seed: seed)
    let inverse = try inverse(layer.hessian.symmetric)
    let multipliers = try quotient(
      layer.weight.keeping(columns: Self.removed), inverse.symmetric.keeping(Self.removed))
    let across = inverse.keeping(rows: Self.removed).keeping(columns: Self.kept)
    let found = layer.weight.keeping(columns: Self.kept) - multipliers * across
    expectEqual(found, try jointSolution(layer))
  }

  @Test(
    "that solution adds to each kept column what stands for the removed: W_S + W_P·H_PS·(H_SS)⁻¹", arguments: seeds)
  func removalByAddition(seed: UInt64) throws {
    let layer = layer(seed: seed)
    let across = layer.hessian.keeping(rows: Self.removed).keeping(columns: Self.kept)
    let added = try quotient(
      layer.weight.keeping(columns: Self.removed) * across, layer.hessian.symmetric.keeping(Self.kept))
    expectEqual(layer.weight.keeping(columns: Self.kept) + added, try jointSolution(layer))
  }

  @Test("the loss grows by ½·tr(W_P·(G_PP)⁻¹·W_Pᵀ) = ½·tr(δ·H·δᵀ)", arguments: seeds)
  func lossIncrease(seed: UInt64) throws {
    let layer = layer(seed: seed)
    let inverse = try inverse(layer.hessian.symmetric)
    let white = try factor(inverse.symmetric.keeping(Self.removed)).whiten(
      rows: layer.weight.keeping(columns: Self.removed).elements)
    let found = white.reduce(0) { $0 + $1 * $1 } / 2
    let solution = try jointSolution(layer)
    var change = layer.weight.scaled(by: -1)
    for row in 0..<solution.rows {
      for (position, column) in Self.kept.enumerated() { change[row, column] += solution[row, position] }
    }
    let expected = (change * layer.hessian * change.transposed).trace / 2
    #expect(relativeError([found], [expected]) <= Self.tolerance)
  }

  @Test(
    "removing block by block with a downdated inverse equals the joint solve, in any order",
    arguments: seeds, [[[1], [4], [5]], [[4, 5], [1]], [[5], [1, 4]]])
  func downdating(seed: UInt64, blocks: [[Int]]) throws {
    let layer = layer(seed: seed)
    var weight = layer.weight
    var inverse = try inverse(layer.hessian.symmetric)
    for block in blocks {
      let own = inverse.symmetric.keeping(block)
      let across = inverse.keeping(rows: block)
      let multipliers = try quotient(weight.keeping(columns: block), own)
      weight = weight - multipliers * across
      let shares = try quotient(inverse.keeping(columns: block), own)
      inverse = inverse - shares * across
    }
    expectEqual(weight.keeping(columns: Self.kept), try jointSolution(layer))
    let left = weight.keeping(columns: Self.removed).elements.reduce(0.0) { max($0, abs($1)) }
    #expect(left <= Self.tolerance)
    expectEqual(
      inverse.keeping(rows: Self.kept).keeping(columns: Self.kept),
      try self.inverse(layer.hessian.symmetric.keeping(Self.kept)))
  }

  @Test("removing rows and removing columns commute: rows are independent", arguments: seeds)
  func rowsAreIndependent(seed: UInt64) throws {
    let layer = layer(seed: seed)
    let narrow = Layer(weight: layer.weight.keeping(rows: [0, 2]), hessian: layer.hessian)
    expectEqual(try jointSolution(narrow), try jointSolution(layer).keeping(rows: [0, 2]))
  }

  // MARK: Least squares over rows that are exact in single precision

  /// Inputs, and what a layer makes of them; a row a sample.
  private struct Samples {
    let x: DenseMatrix
    let weight: DenseMatrix
    let bias: [Double]
    let y: DenseMatrix
  }

  /// Whole numbers and quarters, whose products and sums single precision holds. Columns that are removed depend on
  /// others, and no mean is zero.
  private func samples(seed: UInt64) -> Samples {
    var numbers = Numbers(seed: seed)
    var x = DenseMatrix(600, 8, numbers.integers(4800, in: -3...5))
    for row in 0..<x.rows {
      x[row, 4] += x[row, 0]
      x[row, 1] += x[row, 6]
    }
    let weight = DenseMatrix(3, 8, numbers.integers(24, in: -4...4)).scaled(by: 0.25)
    let bias = numbers.integers(3, in: -2...2)
    return Samples(x: x, weight: weight, bias: bias, y: (x * weight.transposed).adding(row: bias))
  }

  /// Targets that no matrix makes.
  private func targets(seed: UInt64) -> DenseMatrix {
    var numbers = Numbers(seed: seed + 100)
    return DenseMatrix(600, 3, numbers.integers(1800, in: -6...8))
  }

  private func leastSquares(
    _ x: DenseMatrix, _ y: DenseMatrix, _ old: DenseMatrix, damping: Double, isCentred: Bool
  ) throws -> (matrix: DenseMatrix, shift: [Double]) {
    let solution = try LeastSquares(
      try LayerMoments(x, y), matrices: [old.elements], damping: damping, isCentred: isCentred)
    return (DenseMatrix(old.rows, old.columns, try #require(solution.matrices.first)), solution.shifts)
  }

  @Test(
    "damping inside the Hessian pulls towards the old weights: least squares solves W·H_:S·(H_SS)⁻¹",
    arguments: seeds)
  func dampedRemoval(seed: UInt64) throws {
    let samples = samples(seed: seed)
    let y = samples.x * samples.weight.transposed
    let x = samples.x.keeping(columns: Self.kept)
    let share = 0.01
    let found = try leastSquares(
      x, y, samples.weight.keeping(columns: Self.kept), damping: share, isCentred: false)
    let moments = (samples.x.transposed * samples.x).scaled(by: 1.0 / 600)
    let own = moments.symmetric.keeping(Self.kept)
    // H is twice the second moments, and so is its damping.
    let hessian = moments.scaled(by: 2) + DenseMatrix.identity(8, times: 2 * share * own.meanDiagonal)
    expectEqual(found.matrix, try jointSolution(Layer(weight: samples.weight, hessian: hessian)))
  }

  @Test(
    "least squares minimises E‖W·x + b − y‖² + λ·‖W − W₀‖²: its gradient is zero, and nothing near is smaller",
    arguments: seeds, [true, false])
  func proximalMinimum(seed: UInt64, isCentred: Bool) throws {
    let samples = samples(seed: seed)
    let (x, y) = (samples.x, targets(seed: seed))
    let share = 0.05
    let found = try leastSquares(x, y, samples.weight, damping: share, isCentred: isCentred)
    let seen = isCentred ? x.centred : x
    let covariance = (seen.transposed * seen).scaled(by: 1.0 / 600)
    let damping = share * covariance.trace / 8
    func errors(_ matrix: DenseMatrix, _ shift: [Double]) -> DenseMatrix {
      (x * matrix.transposed).adding(row: shift) - y
    }
    func objective(_ matrix: DenseMatrix, _ shift: [Double]) -> Double {
      errors(matrix, shift).squaredNorm / 600 + damping * (matrix - samples.weight).squaredNorm
    }
    let left = errors(found.matrix, found.shift)
    let pull = (found.matrix - samples.weight).scaled(by: 2 * damping)
    let gradient = (left.transposed * x).scaled(by: 2.0 / 600) + pull
    let scale = (y.transposed * x).scaled(by: 2.0 / 600).elements.reduce(0.0) { max($0, abs($1)) }
    #expect(gradient.elements.allSatisfy { abs($0) <= Self.tolerance * scale })
    if isCentred {
      #expect(left.columnMeans.allSatisfy { abs($0) <= Self.tolerance * 8 })
    } else {
      #expect(found.shift == [0, 0, 0])
    }
    let least = objective(found.matrix, found.shift)
    var numbers = Numbers(seed: seed + 200)
    for _ in 0..<20 {
      let matrix = found.matrix + DenseMatrix(3, 8, numbers.doubles(24)).scaled(by: 1e-3)
      let step = isCentred ? numbers.doubles(3).map { 1e-3 * $0 } : [0, 0, 0]
      #expect(objective(matrix, zip(found.shift, step).map { $0 + $1 }) > least)
    }
  }

  @Test("with a bias the covariance takes the place of second moments, and b' = b + W·μ − W'·μ_S", arguments: seeds)
  func affine(seed: UInt64) throws {
    let samples = samples(seed: seed)
    let x = samples.x.keeping(columns: Self.kept)
    let old = samples.weight.keeping(columns: Self.kept)
    let found = try leastSquares(x, samples.y, old, damping: 0, isCentred: true)
    let centred = samples.x.centred
    let covariance = (centred.transposed * centred).scaled(by: 1.0 / 600)
    let expected = try jointSolution(Layer(weight: samples.weight, hessian: covariance))
    expectEqual(found.matrix, expected)
    let before = samples.weight * DenseMatrix(8, 1, samples.x.columnMeans)
    let after = expected * DenseMatrix(5, 1, x.columnMeans)
    let shift = (DenseMatrix(3, 1, samples.bias) + before - after).elements
    #expect(relativeError(found.shift, shift) <= Self.tolerance)
  }

  @Test("with a bias the error is at most that without", arguments: seeds)
  func affineIsNoWorse(seed: UInt64) throws {
    let samples = samples(seed: seed)
    let x = samples.x.keeping(columns: Self.kept)
    let old = samples.weight.keeping(columns: Self.kept)
    func error(isCentred: Bool) throws -> Double {
      let found = try leastSquares(x, samples.y, old, damping: 0, isCentred: isCentred)
      return ((x * found.matrix.transposed).adding(row: found.shift) - samples.y).squaredNorm
    }
    let sliced = (x * old.transposed - samples.y).squaredNorm
    #expect(try error(isCentred: true) < error(isCentred: false))
    #expect(try error(isCentred: false) < sliced)
  }

  @Test("least squares for some outputs are those for all", arguments: seeds, [true, false])
  func someOutputs(seed: UInt64, isCentred: Bool) throws {
    let samples = samples(seed: seed)
    let y = targets(seed: seed)
    let all = try leastSquares(samples.x, y, samples.weight, damping: 0.01, isCentred: isCentred)
    let some = try leastSquares(
      samples.x, y.keeping(columns: [0, 2]), samples.weight.keeping(rows: [0, 2]), damping: 0.01,
      isCentred: isCentred)
    expectEqual(some.matrix, all.matrix.keeping(rows: [0, 2]))
    #expect(relativeError(some.shift, [all.shift[0], all.shift[2]]) <= Self.tolerance)
  }
}
