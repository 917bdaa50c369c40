import Kernels

/// The matrix and shift that make what a layer should from what it is given, as well as possible.
///
/// With x the inputs, y the targets and W₀ the matrix as it is, it minimises E‖W·x + b − y‖² + λ·‖W − W₀‖², which pulls
/// directions the samples say nothing of towards what was there: with Σ the covariance of x and C that of y and x,
/// W = (C + λ·W₀)·(Σ + λ·I)⁻¹ and b = E[y] − W·E[x]. λ is a share of Σ's mean diagonal.
struct LeastSquares {
  /// Row-major, one a group.
  private(set) var matrices: [[Double]]
  /// What is to be added to each output, where `isCentred`; zeros otherwise.
  private(set) var shifts: [Double]
  /// The variance of each output by the new matrix, and that of its target.
  private(set) var variances: [Double]
  let targetVariances: [Double]
  /// The largest share that was needed.
  private(set) var damping: Double
  /// The share of the targets' variance that the new matrix does not make.
  private(set) var unexplainedShare = 0.0

  /// - Parameters:
  ///   - matrices: as they are, one a group.
  ///   - isCentred: whether there is a bias to put the shift in; without, second moments stand for covariances.
  init(
    _ moments: LayerMoments, matrices old: [[Double]], damping: Double, isCentred: Bool, workers: Workers = .one
  ) throws(BLASError) {
    let (rows, columns) = (moments.rows, moments.columns)
    matrices = []
    shifts = [Double](repeating: 0, count: moments.groups * rows)
    variances = shifts
    self.damping = damping
    targetVariances = moments.outputVariances
    let (x, y) = (moments.inputMeans, moments.outputMeans)
    var (missed, whole) = (0.0, 0.0)
    for group in 0..<moments.groups {
      let means = Array(x[(group * columns)..<((group + 1) * columns)])
      let targets = Array(y[(group * rows)..<((group + 1) * rows)])
      var (inputs, products) = (moments.covariance(group), moments.crossCovariance(group))
      if !isCentred {
        inputs.addSquare(of: means, times: 1)
        for row in 0..<rows {
          for column in 0..<columns { products[row * columns + column] += targets[row] * means[column] }
        }
      }
      let mean = inputs.meanDiagonal
      let (solved, share) = try Self.solve(inputs, products, old[group], damping, workers)
      self.damping = max(self.damping, share)
      matrices.append(solved)
      for row in 0..<rows {
        let (index, lines) = (group * rows + row, (row * columns)..<((row + 1) * columns))
        let line = solved[lines]
        if isCentred { shifts[index] = targets[row] - zip(line, means).reduce(0) { $0 + $1.0 * $1.1 } }
        let common = zip(line, products[lines]).reduce(0) { $0 + $1.0 * $1.1 }
        // What was solved says w·Σ·wᵀ = w·Cᵀ + λ·w·(w₀ − w)ᵀ.
        let pull = zip(line, old[group][lines]).reduce(0) { $0 + $1.0 * ($1.1 - $1.0) }
        variances[index] = max(0, common + share * mean * pull)
        // E(w·x − y)² = w·Σ·wᵀ − 2·w·C + E y².
        let square = targetVariances[index] + (isCentred ? 0 : targets[row] * targets[row])
        missed += max(0, variances[index] - 2 * common + square)
        whole += square
      }
    }
    unexplainedShare = whole > 0 ? missed / whole : 0
  }

  /// Where a factorization fails, damping is raised until it does not.
  private static func solve(
    _ covariance: SymmetricMatrix, _ products: [Double], _ old: [Double], _ damping: Double,
    _ workers: Workers
  ) throws(BLASError) -> (matrix: [Double], damping: Double) {
    let mean = covariance.meanDiagonal
    // Inputs that never vary leave everything as it is.
    guard mean > 0, mean.isFinite else { return (old, damping) }
    var share = max(damping, 1e-12)
    while share < 1e12 {
      if let factor = try Cholesky(covariance, damping: share * mean, workers: workers) {
        let pulled = zip(products, old).map { $0 + share * mean * $1 }
        let matrix = try factor.solve(rows: pulled, workers: workers)
        if matrix.allSatisfy(\.isFinite) { return (matrix, share) }
      }
      share *= 10
    }
    return (old, damping)
  }
}
