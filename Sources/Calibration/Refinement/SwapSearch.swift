import Kernels

/// Improves a choice of channels by swapping kept ones for removed ones, as many of each, while what the matrices that
/// read them lose becomes less: the local search of Meng et al., "OSSCAR: One-Shot Structured Pruning in Vision and
/// Language Models with Combinatorial Optimization", ICML 2024.
///
/// What is lost is what the best matrix on the kept columns misses of what the whole one made (see ``SwapFit``): the
/// error behind a repair, not before it. Where no swap of one channel helps, the search has ended; it need not have
/// found the best choice of all.
struct SwapSearch: Sendable {
  struct Outcome: Sendable {
    /// Ascending.
    var kept: [Int]
    /// Channels that were kept at first and are not any more.
    var swaps: Int
    /// What is lost, and what there was to lose.
    var before: Double
    var after: Double
    let whole: Double
    /// Whether the search ended because no swap of one channel is predicted to help.
    var isLocalOptimum: Bool
  }

  /// A kept channel and the removed one in its place, and how much more is explained then.
  struct Swap: Sendable {
    let out: Int
    let into: Int
    let change: Double
  }

  /// One for each matrix that reads the channels; what they lose is added up.
  let systems: [SwapSystem]
  /// Channels there are.
  let count: Int
  var iterationLimit = 20
  var workers = Workers.one

  /// What a swap must take from the loss to count, as a share of it.
  private static let leastShare = 1e-9
  /// Swaps of one channel that are tried before a search is given up: rounding may refute the best.
  private static let singleAttempts = 8

  /// - Parameter check: called before each round of swaps; throws to stop.
  func run(from start: [Int], check: () throws -> Void = {}) throws -> Outcome {
    let whole = systems.reduce(0.0) { $0 + $1.whole }
    var outcome = Outcome(
      kept: start.sorted(), swaps: 0, before: .nan, after: .nan, whole: whole, isLocalOptimum: false)
    guard let first = try fits(keeping: outcome.kept) else { return outcome }
    var fits = first
    var explained = Self.explained(fits)
    outcome.before = max(0, whole - explained)
    // Swaps at once; fewer where they stand in each other's way, as in the paper.
    var batch = count
    for _ in 0..<iterationLimit {
      try check()
      // Of a loss that is all but zero, rounding must not pass for progress.
      let least = Self.leastShare * max(whole - explained, 1e-3 * whole)
      let swaps = try candidates(outcome.kept, fits, above: least)
      outcome.isLocalOptimum = swaps.isEmpty
      guard let next = try step(from: outcome.kept, explained, by: swaps, above: least, batch: &batch) else { break }
      (outcome.kept, fits) = (next.kept, next.fits)
      explained = Self.explained(fits)
    }
    outcome.after = max(0, whole - explained)
    outcome.swaps = Set(start).subtracting(outcome.kept).count
    return outcome
  }

  /// The choice after the best swaps, and its fits: each is computed anew before it is taken.
  /// - Parameter batch: swaps at once; halved until they do at least what the best of them does alone. Where not even
  ///   the best does that, some others are tried, one at a time.
  private func step(
    from kept: [Int], _ explained: Double, by swaps: [Swap], above least: Double, batch: inout Int
  ) throws(BLASError) -> (kept: [Int], fits: [SwapFit])? {
    guard let best = swaps.first else { return nil }
    batch = min(batch, swaps.count)
    while batch > 1 {
      let needed = max(least, best.change)
      if let next = try improvement(of: kept, explained, by: Array(swaps.prefix(batch)), above: needed) { return next }
      batch /= 2
    }
    for swap in swaps.prefix(Self.singleAttempts) {
      if let next = try improvement(of: kept, explained, by: [swap], above: least) { return next }
    }
    return nil
  }

  /// The choice after swaps at once; `nil` where they do not explain so much more, or rounding gets in the way.
  private func improvement(
    of kept: [Int], _ explained: Double, by swaps: [Swap], above needed: Double
  ) throws(BLASError) -> (kept: [Int], fits: [SwapFit])? {
    let out = Set(swaps.map(\.out))
    let next = (kept.filter { !out.contains($0) } + swaps.map(\.into)).sorted()
    guard let found = try fits(keeping: next), Self.explained(found) - explained > needed else { return nil }
    return (next, found)
  }

  /// What each system does with these channels; `nil` where rounding gets in the way.
  func fits(keeping kept: [Int]) throws(BLASError) -> [SwapFit]? {
    var found: [SwapFit] = []
    for system in systems {
      guard let fit = try SwapFit(system, keeping: kept), fit.explained.isFinite else { return nil }
      found.append(fit)
    }
    return found
  }

  /// The swaps that explain more, the best first, each channel in one of them at most. Of equal ones those of lower
  /// channels come first.
  private func candidates(_ kept: [Int], _ fits: [SwapFit], above least: Double) throws(BLASError) -> [Swap] {
    let promising = try swaps(kept, fits).filter { $0.change > least }
      .sorted { ($1.change, $0.out, $0.into) < ($0.change, $1.out, $1.into) }
    var taken: Set<Int> = []
    return promising.filter { swap in
      guard !taken.contains(swap.out), !taken.contains(swap.into) else { return false }
      taken.formUnion([swap.out, swap.into])
      return true
    }
  }

  /// Every swap of one channel, with what it changes.
  /// - Parameter fits: of the systems with the kept channels.
  func swaps(_ kept: [Int], _ fits: [SwapFit]) throws(BLASError) -> [Swap] {
    let keptSet = Set(kept)
    let removed = (0..<count).filter { !keptSet.contains($0) }
    var changes = [Double](repeating: 0, count: kept.count * removed.count)
    for (system, fit) in zip(systems, fits) {
      try SwapTableau(system, fit, kept: kept, removed: removed, workers: workers)
        .addChanges(to: &changes, workers: workers)
    }
    return changes.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: max(1, removed.count))
      return Swap(out: kept[row], into: removed[column], change: changes[index])
    }
  }

  private static func explained(_ fits: [SwapFit]) -> Double { fits.reduce(0.0) { $0 + $1.explained } }
}
