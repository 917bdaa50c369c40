import Kernels

/// Removes the channels of a group a few at a time, those that cost least first, and has the layers that read it make up
/// for them before the next are chosen (Kurtic, Frantar and Alistarh, "ZipLM", NeurIPS 2023; several at a time as in Meng
/// et al., "OSSCAR", ICML 2024).
///
/// Of two channels that can stand in for each other the second one to go is known to be dear, which scores of single
/// channels do not see.
struct GreedyRemoval {
  /// The matrices that read the group: of a grouped convolution there are several.
  var systems: [any RemovalSystem]
  /// Channels of the group.
  let count: Int
  let workers: Workers

  /// - Parameter atOnce: channels that go before losses are computed anew.
  /// - Returns: what the removal of each channel added when it went; never less than those that went before. No number
  ///   where it cannot be told, or not be made up for.
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
        guard current[position].isFinite else {
          results[alive[position]] = .nan
          continue
        }
        dearest = max(dearest, current[position])
        results[alive[position]] = dearest
      }
      let gone = Set(going.map { alive[$0] })
      alive.removeAll { gone.contains($0) }
      guard !alive.isEmpty else { break }
      for index in systems.indices { try systems[index].remove(gone.sorted(), workers: workers) }
    }
    return results
  }

  private func singleLosses(_ alive: [Int]) -> [Double] {
    var results = [Double](repeating: 0, count: alive.count)
    let systems = systems
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      workers.forEach(alive.count) { position in
        let loss = systems.reduce(0) { $0 + $1.loss(of: alive[position]) }
        // What cannot be told goes last.
        results[position] = loss.isNaN ? .infinity : loss
      }
    }
    return results
  }
}
