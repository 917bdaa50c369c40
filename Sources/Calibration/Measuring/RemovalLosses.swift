import IR
import Kernels
import Pruning

/// What removing columns costs a layer whose other columns make up for them, as a share of what its outputs vary:
/// tr(W_M·(G_MM)⁻¹·W_Mᵀ) / tr(W·Σ·Wᵀ), where G is the inverse of the damped covariance Σ of the layer's inputs
/// (Kurtic, Frantar and Alistarh, "ZipLM", NeurIPS 2023; the block form of Hassibi and Stork's saliency).
struct RemovalLosses {
  private let form: LayerForm
  /// One row-major matrix a group.
  private let matrices: [[Float]]
  private let inverses: [DampedInverse]
  /// Σ of the variances of the layer's outputs.
  private var outputVariance = 0.0
  /// What a change counts.
  private var share: Double { outputVariance > 0 ? 1 / outputVariance : 0 }

  /// - Parameter moments: of the inputs; all channels of the layer.
  init(_ layer: LinearLayer, _ weight: Tensor, _ moments: InputMoments, damping: Double) throws(BLASError) {
    let form = LayerForm(layer, weight.shape)
    self.form = form
    let values = weight.floats() ?? [Float](repeating: 0, count: weight.elementCount)
    var (matrices, inverses) = ([[Float]](), [DampedInverse]())
    for (group, matrix) in form.matrices(values).enumerated() {
      var matrix = matrix
      let covariance = moments.covariance(group)
      // What never varies is made up for by the bias alone.
      let variances = covariance.variances
      let least = variances.reduce(0, +) / Double(max(1, variances.count)) * 1e-12
      for column in 0..<form.columns where variances[column] <= least {
        for row in 0..<form.rows { matrix[row * form.columns + column] = 0 }
      }
      outputVariance += try covariance.sumOfSquares(of: matrix)
      matrices.append(matrix.map { Float($0) })
      inverses.append(try covariance.dampedInverse(damping))
    }
    self.matrices = matrices
    self.inverses = inverses
  }

  /// - Parameters:
  ///   - channels: for each channel of the input the channel of the group, −1 for none.
  ///   - count: channels of the group.
  func losses(channels: [Int32], count: Int, workers: Workers) throws(BLASError) -> [Double] {
    _ = try BLAS.shared()
    let perGroup = form.columns / form.window
    // By channel: the columns that are its own, in each group of the layer.
    var columns = [[(group: Int, columns: [Int])]](repeating: [], count: count)
    for (index, channel) in channels.enumerated() where channel >= 0 {
      let (group, local) = (index / perGroup, index % perGroup)
      let own = (0..<form.window).map { local * form.window + $0 }
      if columns[Int(channel)].last?.group == group {
        columns[Int(channel)][columns[Int(channel)].count - 1].columns += own
      } else {
        columns[Int(channel)].append((group, own))
      }
    }
    var results = [Double](repeating: 0, count: count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      workers.forEach(count) { channel in
        results[channel] = share * columns[channel].reduce(0) { $0 + (loss(of: $1.columns, in: $1.group) ?? .nan) }
      }
    }
    return results
  }

  /// The matrices that read a group, for a removal step by step.
  func systems(channels: [Int32], count: Int) throws(BLASError) -> [GreedyRemoval.System] {
    let perGroup = form.columns / form.window
    var systems: [GreedyRemoval.System] = []
    for group in 0..<form.groups {
      var columns = [[Int]](repeating: [], count: count)
      for local in 0..<perGroup where channels[group * perGroup + local] >= 0 {
        columns[Int(channels[group * perGroup + local])] += (0..<form.window).map { local * form.window + $0 }
      }
      guard columns.contains(where: { !$0.isEmpty }) else { continue }
      systems.append(
        GreedyRemoval.System(
          inverse: try inverses[group].matrix(), matrix: matrices[group].map { Double($0) }, rows: form.rows,
          size: form.columns,
          columns: columns, weight: share))
    }
    return systems
  }

  private func loss(of columns: [Int], in group: Int) -> Double? {
    let matrix = matrices[group]
    var block: [Double] = []
    block.reserveCapacity(form.rows * columns.count)
    for row in 0..<form.rows { for column in columns { block.append(Double(matrix[row * form.columns + column])) } }
    let own = inverses[group].block(columns)
    // Where a column holds nearly all of the variance, its element of the inverse is next to nothing and may be lost in
    // rounding; it is dear then.
    let rounding = 1e-6 * inverses[group].magnitude(own)
    guard let factor = (try? Cholesky(own)) ?? (try? Cholesky(own, damping: rounding)),
      let white = try? factor.whiten(rows: block)
    else { return nil }
    return white.reduce(0) { $0 + $1 * $1 }
  }
}
