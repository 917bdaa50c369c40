import IR
import Kernels
import Pruning

/// Removes the channels of a group one after the other, the one that costs least first, and has the layers that read it
/// make up for each before the next is chosen (Kurtic, Frantar and Alistarh, "ZipLM", NeurIPS 2023; several at a time as
/// in Meng et al., "OSSCAR", ICML 2024).
///
/// Of two channels that can stand in for each other the second one to go is known to be dear, which scores of single
/// channels do not see.
struct GreedyRemoval {
  /// One matrix of a layer that reads the group: of a grouped convolution there are several.
  struct System {
    /// Row-major, all elements.
    var inverse: [Double]
    var matrix: [Double]
    let rows: Int
    let size: Int
    /// For each channel of the group its columns here.
    let columns: [[Int]]
    /// What a change of the outputs counts.
    let weight: Double
  }

  var systems: [System]
  let count: Int
  let workers: Workers

  /// - Parameter atOnce: channels that go before losses are computed anew.
  /// - Returns: what the removal of each channel added when it went; never less than those that went before.
  mutating func losses(atOnce: Int) throws(BLASError) -> [Double] {
    _ = try BLAS.shared()
    var results = [Double](repeating: 0, count: count)
    var alive = Array(0..<count)
    var dearest = 0.0
    while !alive.isEmpty {
      let current = singleLosses(alive)
      let order = alive.indices.sorted { (current[$0], alive[$0]) < (current[$1], alive[$1]) }
      let going = order.prefix(atOnce)
      for position in going {
        dearest = max(dearest, current[position].isFinite ? current[position] : dearest)
        results[alive[position]] = dearest
      }
      let channels = going.map { alive[$0] }.sorted()
      for index in systems.indices { try systems[index].remove(channels, workers: workers) }
      let gone = Set(channels)
      alive.removeAll { gone.contains($0) }
    }
    return results
  }

  private func singleLosses(_ alive: [Int]) -> [Double] {
    var results = [Double](repeating: 0, count: alive.count)
    let systems = systems
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      workers.forEach(alive.count) { position in
        results[position] = systems.reduce(0) { $0 + $1.loss(of: alive[position]) * $1.weight }
      }
    }
    return results
  }
}

extension GreedyRemoval.System {
  fileprivate func loss(of channel: Int) -> Double {
    let own = columns[channel]
    guard !own.isEmpty else { return 0 }
    var block: [Double] = []
    block.reserveCapacity(rows * own.count)
    for row in 0..<rows { for column in own { block.append(matrix[row * size + column]) } }
    guard let factor = try? Cholesky(self.block(own)), let white = try? factor.whiten(rows: block) else {
      return .infinity
    }
    return white.reduce(0) { $0 + $1 * $1 }
  }

  private func block(_ own: [Int]) -> SymmetricMatrix {
    var block = SymmetricMatrix(size: own.count)
    for (row, from) in own.enumerated() {
      for (column, to) in own.enumerated() { block.elements[row * own.count + column] = inverse[from * size + to] }
    }
    return block
  }

  /// G ← G − G_M·(G_MM)⁻¹·G_Mᵀ and W ← W − W_M·(G_MM)⁻¹·G_Mᵀ.
  fileprivate mutating func remove(_ channels: [Int], workers: Workers) throws(BLASError) {
    let own = channels.flatMap { columns[$0] }
    guard !own.isEmpty, let factor = try Cholesky(block(own)) else { return }
    var (sides, blocks) = ([Double](), [Double]())
    sides.reserveCapacity(size * own.count)
    for row in 0..<size { for column in own { sides.append(inverse[row * size + column]) } }
    for row in 0..<rows { for column in own { blocks.append(matrix[row * size + column]) } }
    let white = try factor.whiten(rows: sides)
    try DenseProducts.subtract(white, white, inner: own.count, from: &inverse, workers: workers)
    try DenseProducts.subtract(
      try factor.whiten(rows: blocks), white, inner: own.count, from: &matrix, workers: workers)
  }
}
