import Kernels
import Testing

@testable import Calibration

/// The search for better channels, against losses computed by Gaussian elimination and against all choices there are.
@Suite("Swap search")
struct SwapSearchTests {
  /// A matrix and a covariance drawn at random, of channels that are a block of columns each.
  private struct Draw {
    let covariance: DenseMatrix
    let matrix: DenseMatrix
    let columns: [[Int]]
    let fixed: [Int]

    init(seed: UInt64, channels: Int, window: Int = 1, rows: Int = 4, fixed: Int = 0) {
      var numbers = Numbers(seed: seed)
      let size = channels * window + fixed
      let factor = DenseMatrix(size, size + 3, numbers.doubles(size * (size + 3)))
      covariance = (factor * factor.transposed).scaled(by: 1 / Double(size)) + .identity(size, times: 0.01)
      matrix = DenseMatrix(rows, size, numbers.doubles(rows * size))
      columns = (0..<channels).map { Array((fixed + $0 * window)..<(fixed + ($0 + 1) * window)) }
      self.fixed = Array(0..<fixed)
    }

    func system() throws -> SwapSystem {
      try SwapSystem(
        covariance: covariance.symmetric, matrix: matrix.elements, columns: columns, fixed: fixed, workers: .one)
    }

    var whole: Double { (matrix * covariance * matrix.transposed).trace }

    /// tr(W·Σ·Wᵀ) − tr(C_S·(Σ_SS)⁻¹·C_Sᵀ).
    func loss(_ kept: [Int]) -> Double {
      let own = fixed + kept.flatMap { columns[$0] }
      let targets = (matrix * covariance).keeping(columns: own)
      let solution = targets.dividing(by: covariance.keeping(rows: own).keeping(columns: own))
      return whole - (solution * targets.transposed).trace
    }
  }

  private func search(_ draws: [Draw], iterations: Int = 20, workers: Workers = .one) throws -> SwapSearch {
    SwapSearch(
      systems: try draws.map { try $0.system() }, count: draws.first?.columns.count ?? 0, iterationLimit: iterations,
      workers: workers)
  }

  private func loss(_ draws: [Draw], _ kept: [Int]) -> Double { draws.reduce(0.0) { $0 + $1.loss(kept) } }

  private func whole(_ draws: [Draw]) -> Double { draws.reduce(0.0) { $0 + $1.whole } }

  /// All choices that differ by one channel.
  private func neighbours(_ kept: [Int], count: Int) -> [[Int]] {
    let removed = (0..<count).filter { !kept.contains($0) }
    return kept.flatMap { out in removed.map { into in (kept.filter { $0 != out } + [into]).sorted() } }
  }

  private func choices(_ size: Int, of count: Int) -> [[Int]] {
    guard size > 0 else { return [[]] }
    guard count >= size else { return [] }
    return choices(size, of: count - 1) + choices(size - 1, of: count - 1).map { $0 + [count - 1] }
  }

  // MARK: Single swaps

  @Test("what a swap changes is the difference of two losses", arguments: [1, 3], [0, 2])
  func changes(window: Int, fixed: Int) throws {
    let draws = [5, 6].map { Draw(seed: $0, channels: 6, window: window, fixed: fixed) }
    let kept = [0, 2, 5]
    let searching = try search(draws)
    let found = try searching.fits(keeping: kept)
    let swaps = try searching.swaps(kept, try #require(found))
    #expect(swaps.count == 9)
    let before = loss(draws, kept)
    for swap in swaps {
      let after = loss(draws, kept.filter { $0 != swap.out } + [swap.into])
      #expect(abs(before - after - swap.change) <= 1e-9 * whole(draws), "\(swap.out) for \(swap.into)")
    }
  }

  @Test("channels may have several columns, one, or none of a matrix")
  func unevenChannels() throws {
    let even = Draw(seed: 9, channels: 8)
    let columns = [[0, 1], [], [2], [3, 7, 5], [4, 6]]
    let system = try SwapSystem(
      covariance: even.covariance.symmetric, matrix: even.matrix.elements, columns: columns, workers: .one)
    let search = SwapSearch(systems: [system], count: 5)
    func explained(_ kept: [Int]) throws -> Double {
      let found = try search.fits(keeping: kept)
      return try #require(found).reduce(0.0) { $0 + $1.explained }
    }
    let found = try search.fits(keeping: [0, 1, 2])
    let before = try explained([0, 1, 2])
    for swap in try search.swaps([0, 1, 2], try #require(found)) {
      let after = try explained([0, 1, 2].filter { $0 != swap.out } + [swap.into])
      #expect(abs(after - before - swap.change) <= 1e-9 * system.whole)
    }
  }

  // MARK: Searches

  @Test("of independent inputs those with the largest weights stay")
  func independent() throws {
    let system = try SwapSystem(
      covariance: DenseMatrix.identity(4).symmetric, matrix: [1, 2, 3, 4], columns: [[0], [1], [2], [3]], workers: .one)
    let outcome = try SwapSearch(systems: [system], count: 4).run(from: [0, 1])
    #expect(outcome.kept == [2, 3])
    #expect(outcome.swaps == 2)
    #expect(outcome.isLocalOptimum)
    #expect(relativeError([outcome.before, outcome.after, outcome.whole], [25, 5, 30]) <= 1e-12)
  }

  @Test("of two inputs that say the same one goes for another that says something new")
  func redundant() throws {
    var covariance = DenseMatrix.identity(3, times: 1.001)
    covariance[0, 1] = 1
    covariance[1, 0] = 1
    let system = try SwapSystem(
      covariance: covariance.symmetric, matrix: [1, 1, 0.5], columns: [[0], [1], [2]], workers: .one)
    let outcome = try SwapSearch(systems: [system], count: 3).run(from: [0, 1])
    #expect(outcome.kept.contains(2))
    #expect(outcome.swaps == 1)
    #expect(outcome.after <= 0.01 * outcome.before)
  }

  @Test("of equal swaps the one of lower channels is made")
  func ties() throws {
    let system = try SwapSystem(
      covariance: DenseMatrix.identity(3).symmetric, matrix: [1, 2, 2], columns: [[0], [1], [2]], workers: .one)
    #expect(try SwapSearch(systems: [system], count: 3).run(from: [0]).kept == [1])
  }

  @Test(
    "the result is no worse than the start, and no swap improves it", arguments: 1...8 as ClosedRange<UInt64>, [1, 3])
  func localOptimum(seed: UInt64, window: Int) throws {
    let draws = [seed, seed + 100].map { Draw(seed: $0, channels: 9, window: window, fixed: 1) }
    let start = [0, 1, 2, 3]
    let outcome = try search(draws).run(from: start)
    let tolerance = 1e-9 * whole(draws)
    #expect(outcome.isLocalOptimum)
    #expect(outcome.kept.count == start.count && outcome.kept == Set(outcome.kept).sorted())
    #expect(outcome.swaps == start.count(where: { !outcome.kept.contains($0) }))
    #expect(abs(outcome.before - loss(draws, start)) <= tolerance)
    let after = loss(draws, outcome.kept)
    #expect(abs(outcome.after - after) <= tolerance)
    #expect(after <= outcome.before + tolerance)
    for other in neighbours(outcome.kept, count: 9) { #expect(loss(draws, other) >= after - tolerance) }
  }

  @Test("in most draws it finds the best of all choices", arguments: [1, 2])
  func bestOfAll(window: Int) throws {
    var found = 0
    for seed in 1...30 as ClosedRange<UInt64> {
      let draws = [Draw(seed: seed, channels: 7, window: window)]
      let outcome = try search(draws).run(from: [0, 1, 2])
      let best = choices(3, of: 7).map { loss(draws, $0) }.min() ?? 0
      if outcome.after <= best + 1e-9 * whole(draws) { found += 1 }
    }
    #expect(found > 15, "\(found) of 30")
  }

  @Test("every round lowers the loss, however many there are", arguments: 1...4 as ClosedRange<UInt64>)
  func rounds(seed: UInt64) throws {
    let draws = [Draw(seed: seed, channels: 12, window: 2)]
    let losses = try (1...6).map { try search(draws, iterations: $0).run(from: Array(0..<6)).after }
    for (before, after) in zip(losses, losses.dropFirst()) { #expect(after <= before * (1 + 1e-12)) }
  }

  @Test("threads change nothing")
  func threads() throws {
    let draws = [Draw(seed: 3, channels: 12, window: 3)]
    let alone = try search(draws).run(from: Array(0..<5))
    let together = try search(draws, workers: Workers(count: 3)).run(from: Array(0..<5))
    #expect(alone.kept == together.kept)
    #expect(alone.after == together.after)
  }

  @Test("a search can be stopped before every round of swaps")
  func stopped() throws {
    struct Stop: Error {}
    let searching = try search([Draw(seed: 1, channels: 9)])
    #expect(throws: Stop.self) { try searching.run(from: [0, 1, 2], check: { throw Stop() }) }
  }

  @Test("a search that runs out of rounds does not say that no swap helps")
  func unfinished() throws {
    let system = try SwapSystem(
      covariance: DenseMatrix.identity(4).symmetric, matrix: [1, 2, 3, 4], columns: [[0], [1], [2], [3]], workers: .one)
    let outcome = try SwapSearch(systems: [system], count: 4, iterationLimit: 1).run(from: [0, 1])
    #expect(outcome.kept == [2, 3] && !outcome.isLocalOptimum)
  }

  @Test("where all channels stay there is nothing to swap")
  func allKept() throws {
    let outcome = try search([Draw(seed: 1, channels: 4)]).run(from: [0, 1, 2, 3])
    #expect(outcome.kept == [0, 1, 2, 3])
    #expect(outcome.swaps == 0 && outcome.isLocalOptimum)
  }
}
