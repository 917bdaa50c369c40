import Kernels

/// What swapping any kept channel for any removed one changes in what a system explains, from one factorization.
///
/// With S and R the columns that are kept and removed, G = (Σ_SS)⁻¹, H = Σ_RS·G, B = C_S·G the best matrix on S, what
/// is left of the products R̃ = C_R − B·Σ_SR and Schur complements T = Σ_RR − H·Σ_SR, a channel with the columns M of S
/// explains tr(B_M·(G_MM)⁻¹·B_Mᵀ) that no other does, and one with the columns N of R would add tr(R̃_N·(T_NN)⁻¹·R̃_Nᵀ)
/// (Meng et al., "OSSCAR", ICML 2024). Once M has gone, N adds as much with R̃_N + B_M·P and T_NN + H_NM·P in their
/// places, where P = (G_MM)⁻¹·(H_NM)ᵀ: so the change is exact for the pair, not only for each alone. The products of
/// all columns of R̃ and B are made once, which leaves blocks of a few columns for each pair.
struct SwapTableau: Sendable {
  /// A channel's columns, among S or R.
  private struct Channel {
    let first: Int
    let width: Int
    /// (G_MM)⁻¹ or T_NN; row-major, both triangles.
    let block: [Double]
    /// B_Mᵀ·B_M or R̃_Nᵀ·R̃_N.
    let gram: [Double]
  }

  private let outgoing: [Channel]
  /// What each kept channel alone explains.
  private let losses: [Double]
  private let incoming: [Channel]
  /// Columns of S.
  private let width: Int
  /// H, row-major.
  private let ties: [Double]
  /// −R̃ᵀ·B, row-major.
  private let negatedProducts: [Double]

  /// - Parameters:
  ///   - fit: of the system with the kept channels, in this order.
  ///   - removed: the channels that may come in their places.
  init(
    _ system: SwapSystem, _ fit: SwapFit, kept: [Int], removed: [Int], workers: Workers
  ) throws(BLASError) {
    let (rows, width) = (system.rows, fit.columns.count)
    let gone = removed.flatMap { system.columns[$0] }
    let sides = system.covariance(of: gone, with: fit.columns)
    let ties = try fit.factor.solve(rows: sides)
    var residuals: [Double] = []
    residuals.reserveCapacity(gone.count * rows)
    for column in gone { residuals += system.products[(column * rows)..<((column + 1) * rows)] }
    try DenseProducts.subtract(ties, fit.targets, inner: width, from: &residuals, workers: workers)
    let solution = Self.transposed(try fit.factor.solve(rows: fit.targets), rows: rows, columns: width)
    var products = [Double](repeating: 0, count: gone.count * width)
    try DenseProducts.subtract(residuals, solution, inner: rows, from: &products, workers: workers)

    let inverse = try fit.factor.inverse()
    var (outgoing, losses, first) = ([Channel](), [Double](), system.fixed.count)
    for channel in kept {
      let range = first..<(first + system.columns[channel].count)
      let gram = Self.products(range, range) { Self.product(solution, $0, solution, $1, count: rows) }
      // Rounding may leave a block that cannot be inverted: its channel then stays.
      let block = try Cholesky(inverse.keeping(Array(range)))?.inverse()
      let full = Self.products(0..<range.count, 0..<range.count) { block?[$0, $1] ?? 0 }
      outgoing.append(Channel(first: first, width: range.count, block: full, gram: gram))
      losses.append(block == nil ? .infinity : zip(full, gram).reduce(0.0) { $0 + $1.0 * $1.1 })
      first = range.upperBound
    }
    var incoming: [Channel] = []
    first = 0
    for channel in removed {
      let range = first..<(first + system.columns[channel].count)
      let block = Self.products(range, range) { row, column in
        system.covariance[gone[row], gone[column]] - Self.product(ties, row, sides, column, count: width)
      }
      let gram = Self.products(range, range) { Self.product(residuals, $0, residuals, $1, count: rows) }
      incoming.append(Channel(first: first, width: range.count, block: block, gram: gram))
      first = range.upperBound
    }
    self.outgoing = outgoing
    self.losses = losses
    self.incoming = incoming
    self.width = width
    self.ties = ties
    negatedProducts = products
  }

  /// Adds what each swap changes: a row for each kept channel, a column for each removed one.
  func addChanges(to changes: inout [Double], workers: Workers) {
    let count = incoming.count
    changes.withUnsafeMutableBufferPointer { changes in
      nonisolated(unsafe) let changes = changes
      workers.forEach(outgoing.count) { row in
        for column in 0..<count {
          changes[row * count + column] += gain(of: incoming[column], without: outgoing[row]) - losses[row]
        }
      }
    }
  }

  /// What a removed channel adds once a kept one has gone.
  private func gain(of coming: Channel, without going: Channel) -> Double {
    guard coming.width == 1, going.width == 1 else { return blockGain(of: coming, without: going) }
    let index = coming.first * width + going.first
    let step = going.block[0] * ties[index]
    let rest = coming.block[0] + ties[index] * step
    guard rest > 0 else { return -.infinity }
    return (coming.gram[0] - 2 * negatedProducts[index] * step + going.gram[0] * step * step) / rest
  }

  private func blockGain(of coming: Channel, without going: Channel) -> Double {
    let (a, b) = (going.width, coming.width)
    func index(_ row: Int, _ column: Int) -> Int { (coming.first + row) * width + going.first + column }
    // P, and the half of what is added to R̃_Nᵀ·R̃_N is Pᵀ·A, the other one Aᵀ·P, where A = (B_Mᵀ·B_M)·P/2 + B_Mᵀ·R̃_N.
    var steps = [Double](repeating: 0, count: a * b)
    for row in 0..<a {
      for column in 0..<b {
        steps[row * b + column] = (0..<a).reduce(0.0) { $0 + going.block[row * a + $1] * ties[index(column, $1)] }
      }
    }
    var added = [Double](repeating: 0, count: a * b)
    for row in 0..<a {
      for column in 0..<b {
        let own = (0..<a).reduce(0.0) { $0 + going.gram[row * a + $1] * steps[$1 * b + column] }
        added[row * b + column] = own / 2 - negatedProducts[index(column, row)]
      }
    }
    var (rest, gram) = (coming.block, coming.gram)
    for row in 0..<b {
      for column in 0..<b {
        var (tie, product) = (0.0, 0.0)
        for inner in 0..<a {
          tie += ties[index(row, inner)] * steps[inner * b + column]
          product += added[inner * b + row] * steps[inner * b + column]
          product += steps[inner * b + row] * added[inner * b + column]
        }
        rest[row * b + column] += tie
        gram[row * b + column] += product
      }
    }
    return Self.trace(of: &gram, over: &rest, size: b)
  }

  /// tr(T⁻¹·Q), column by column: each adds what it explains of what those before it have left.
  private static func trace(of gram: inout [Double], over rest: inout [Double], size: Int) -> Double {
    var sum = 0.0
    for pivot in 0..<size {
      let (variance, square) = (rest[pivot * size + pivot], gram[pivot * size + pivot])
      guard variance > 0 else { return -.infinity }
      sum += square / variance
      for row in (pivot + 1)..<size {
        let factor = rest[row * size + pivot] / variance
        for column in (pivot + 1)..<size {
          let other = rest[pivot * size + column] / variance
          let both = factor * gram[pivot * size + column] + other * gram[row * size + pivot]
          gram[row * size + column] += factor * other * square - both
        }
      }
      for row in (pivot + 1)..<size {
        let factor = rest[row * size + pivot] / variance
        for column in (pivot + 1)..<size { rest[row * size + column] -= factor * rest[pivot * size + column] }
      }
    }
    return sum
  }

  // MARK: Matrices

  private static func transposed(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    var result = [Double](repeating: 0, count: matrix.count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] }
    }
    return result
  }

  /// The inner product of a row of one matrix and a row of another.
  private static func product(_ a: [Double], _ row: Int, _ b: [Double], _ other: Int, count: Int) -> Double {
    var sum = 0.0
    for index in 0..<count { sum += a[row * count + index] * b[other * count + index] }
    return sum
  }

  /// A small matrix by its elements.
  private static func products(
    _ rows: Range<Int>, _ columns: Range<Int>, element: (_ row: Int, _ column: Int) -> Double
  ) -> [Double] {
    rows.flatMap { row in columns.map { element(row, $0) } }
  }
}
