import Analysis
import Dimensions

/// How many channels of a group may stay: at least `least`, in multiples of `step`, or exactly `exact`.
struct GroupBounds: Sendable {
  /// Channels of the whole model: what shares, ratios and steps refer to.
  let size: Int
  /// Channels that earlier rounds left.
  let available: Int
  /// What protections alone demand.
  let protected: Int
  /// The least allowed number, a multiple of the step.
  let least: Int
  let step: Int
  /// Set by a rule that fixes the ratio.
  let exact: Int?

  /// - Parameter alive: how many channels there still are; `nil` for all.
  init(
    _ group: PruningGroup, _ analysis: ModelAnalysis, options: SelectionOptions, limits: Rule.Limits,
    alive: Int? = nil
  ) {
    size = group.size
    available = min(group.size, alive ?? group.size)
    step = Self.step(group, analysis, limits.roundTo ?? options.roundTo)
    let share = limits.minimumKeepShare ?? options.effectiveKeepShare
    let ratio = limits.maximumRatio ?? options.maximumRatio ?? 1
    let demands = [
      1, limits.minimumKeep ?? 1, Self.ceiling(Double(size) * share), Self.ceiling(Double(size) * (1 - ratio)),
    ]
    protected = min(available, demands.reduce(1, max))
    least = min(available, (protected + step - 1) / step * step)
    if let ratio = limits.ratio {
      let kept = Self.rounded(Self.ceiling(Double(size) * (1 - ratio)), step: step, size: size)
      exact = min(available, max(kept, min(size, limits.minimumKeep ?? 1)))
    } else {
      exact = nil
    }
  }

  static func ceiling(_ value: Double) -> Int { Int((value - 1e-9).rounded(.up)) }

  /// How many stay of the whole width without this share of it.
  func asked(share: Double) -> Int { size - Int((Double(size) * share + 1e-9).rounded(.down)) }

  /// The allowed number nearest to the one asked for.
  func rounded(_ asked: Int) -> Int {
    exact ?? min(available, max(least, Self.rounded(asked, step: step, size: size)))
  }

  /// The next larger allowed number; `nil` where all channels that there still are stay already.
  func above(_ count: Int) -> Int? {
    guard exact == nil, count < available else { return nil }
    return min(available, (count / step + 1) * step)
  }

  private static func rounded(_ asked: Int, step: Int, size: Int) -> Int {
    guard step > 1, asked < size else { return min(size, max(1, asked)) }
    let below = asked / step * step
    let nearest = asked - below <= step - (asked - below) ? below : below + step
    return min(size, max(step, nearest))
  }

  /// The steps that make the widths the group is a factor of multiples of `multiple`.
  ///
  /// Small dimensions round to a smaller power of two: a multiple of 8 would keep most of 16 channels.
  private static func step(_ group: PruningGroup, _ analysis: ModelAnalysis, _ multiple: Int) -> Int {
    guard multiple > 1 else { return 1 }
    var beside = Int.max
    for member in group.members {
      let axis = analysis.weights[member.weight].axes[member.axis]
      let factors = analysis.dimensions.factors(axis)
      guard factors.contains(where: { analysis.dimensions.root($0) == group.dimension }) else { continue }
      let others = factors.filter { analysis.dimensions.root($0) != group.dimension }
      beside = min(beside, others.compactMap { analysis.dimensions.size($0).known }.reduce(1, *))
    }
    if beside == Int.max { beside = 1 }
    var step = multiple / greatestCommonDivisor(multiple, beside)
    while step > 1, group.size / 8 < step { step /= 2 }
    return max(step, 1)
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
}
