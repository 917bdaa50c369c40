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
  private let covariances: [DampedCovariance]
  /// Σ of the variances of the layer's outputs.
  private var outputVariance = 0.0

  /// - Parameter moments: of the inputs; all channels of the layer.
  init(_ layer: LinearLayer, _ weight: Tensor, _ moments: InputMoments, damping: Double) throws(BLASError) {
    let form = LayerForm(layer, weight.shape)
    self.form = form
    let values = weight.floats() ?? [Float](repeating: 0, count: weight.elementCount)
    var (matrices, covariances) = ([[Float]](), [DampedCovariance]())
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
      covariances.append(try covariance.damped(damping))
    }
    self.matrices = matrices
    self.covariances = covariances
  }

  /// The matrices that read a group.
  /// - Parameters:
  ///   - channels: for each channel of the input the channel of the group, −1 for none.
  ///   - count: channels of the group.
  ///   - weight: what the layer counts beside others.
  func systems(
    channels: [Int32], count: Int, weight: Double, workers: Workers
  ) throws(BLASError) -> [any RemovalSystem] {
    let perGroup = form.columns / form.window
    var systems: [any RemovalSystem] = []
    for group in 0..<form.groups {
      // Of all columns those that are the pruned group's, and where they will be.
      var (own, places) = ([Int](), [[Int]](repeating: [], count: count))
      for local in 0..<perGroup where channels[group * perGroup + local] >= 0 {
        places[Int(channels[group * perGroup + local])] += own.count..<(own.count + form.window)
        own += (local * form.window)..<((local + 1) * form.window)
      }
      guard !own.isEmpty else { continue }
      let (columns, share) = (ChannelColumns(places), share(weight))
      let matrix = transposed(matrices[group], own)
      switch covariances[group] {
      case .inverse(let inverse):
        systems.append(
          InverseRemovalSystem(
            inverse: try inverse.block(own, workers: workers), matrix: matrix.map { Double($0) }, height: form.rows,
            columns: columns, weight: share))
      case .rows(let rows):
        systems.append(
          try RowRemovalSystem(
            rows, own: own, matrix: matrix, height: form.rows, columns: columns, weight: share, workers: workers))
      case .unknown: systems.append(UnknownRemovalSystem())
      }
    }
    return systems
  }

  /// Of what the outputs vary.
  private func share(_ weight: Double) -> Double {
    guard outputVariance.isFinite else { return .nan }
    return outputVariance > 0 ? weight / outputVariance : 0
  }

  /// Some columns, a line each.
  private func transposed(_ matrix: [Float], _ columns: [Int]) -> [Float] {
    columns.flatMap { column in (0..<form.rows).map { matrix[$0 * form.columns + column] } }
  }
}
