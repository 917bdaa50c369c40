import Analysis
import Dimensions
import IR
import Kernels
import Pruning

/// The matrices of the layer that reads a group, as a search for better channels needs them: with the rows that are
/// kept, without the columns other groups have lost, and with the damped covariances of their inputs.
struct SwapSystems {
  /// One for each group of a convolution that something is left of; none where nothing varies.
  let all: [SwapSystem]

  /// - Parameters:
  ///   - moments: of the layer's inputs, all of them.
  ///   - keep: of all groups.
  ///   - damping: what is added to the diagonal of covariances, as a share of its mean.
  init(
    _ group: PruningGroup, _ layer: LinearLayer, _ layers: LinearLayers, _ analysis: ModelAnalysis,
    moments: InputMoments, keep: KeepSets, damping: Double, workers: Workers
  ) throws(BLASError) {
    let weight = analysis.weights[layer.weight]
    let form = LayerForm(layer, weight.tensor.shape)
    guard let channels = layers.channels(of: group, readBy: layer), let values = weight.tensor.floats(),
      let inputs = analysis.axes[layer.input.index]?[layer.channelAxis].dimension
    else {
      all = []
      return
    }
    var others = keep
    others[group.dimension] = nil
    let available = analysis.dimensions.keptIndices(inputs, others).map { Set($0) }
    let keptRows = analysis.dimensions.keptIndices(layer.outputDimension(analysis), keep)?.map { Int($0) }
    let perGroup = form.columns / max(1, form.window)
    let matrices = form.matrices(values)
    var systems: [SwapSystem] = []
    for part in 0..<form.groups {
      let own = (part * form.rows)..<((part + 1) * form.rows)
      let rows = keptRows?.filter { own.contains($0) } ?? Array(own)
      var columns = [[Int]](repeating: [], count: group.size)
      var fixed: [Int] = []
      for local in 0..<perGroup {
        let index = part * perGroup + local
        guard index < channels.count, available?.contains(Int32(index)) ?? true else { continue }
        let window = (local * form.window)..<((local + 1) * form.window)
        if channels[index] >= 0 { columns[Int(channels[index])] += window } else { fixed += window }
      }
      guard !rows.isEmpty, columns.contains(where: { !$0.isEmpty }) else { continue }
      let covariance = try SymmetricMatrix(moments.covariance(part))
      guard let damped = try covariance.damped(by: damping) else { continue }
      let matrix = Self.matrix(matrices[part], rows: rows.map { $0 - own.lowerBound }, varying: covariance)
      systems.append(
        try SwapSystem(covariance: damped, matrix: matrix, columns: columns, fixed: fixed, workers: workers))
    }
    all = systems
  }

  /// Some rows of a group's matrix; zero where an input never varies, because the bias alone makes up for it.
  private static func matrix(_ whole: [Double], rows: [Int], varying covariance: SymmetricMatrix) -> [Double] {
    let variances = covariance.diagonal
    let least = covariance.meanDiagonal * 1e-12
    let columns = covariance.size
    var matrix: [Double] = []
    matrix.reserveCapacity(rows.count * columns)
    for row in rows {
      for column in 0..<columns { matrix.append(variances[column] > least ? whole[row * columns + column] : 0) }
    }
    return matrix
  }
}

extension SymmetricMatrix {
  /// All of a covariance: swaps need every element of it.
  fileprivate init(_ covariance: InputCovariance) throws(BLASError) {
    switch covariance {
    case .matrix(let matrix): self = matrix
    case .rows(let rows, let columns, let count):
      self = try SymmetricMatrix(size: columns, squareOf: rows.map { Double($0) }, times: 1 / Double(max(1, count)))
    }
  }

  /// A + share·mean(diag A)·I; the share is raised until the matrix is positive definite.
  /// - Returns: `nil` where the diagonal is zero, or no number.
  fileprivate func damped(by damping: Double) throws(BLASError) -> SymmetricMatrix? {
    let mean = meanDiagonal
    guard mean > 0, mean.isFinite else { return nil }
    var share = max(damping, 1e-12)
    while share < 1e12 {
      var damped = self
      damped.addToDiagonal(share * mean)
      if try Cholesky(damped) != nil { return damped }
      share *= 10
    }
    return nil
  }
}
