import Training

/// When and how HESSO drives units to zero. What is left out follows from the number of steps.
public struct HESSOSettings: Sendable, Equatable {
  /// Whether the model has not been trained before. Then its units say little at first, and go later and more slowly.
  public var startsFromScratch = false
  /// The first step that may drive a unit to zero, counted from 0; a twentieth of all steps by default, or a tenth from
  /// scratch.
  public var start: Int?
  /// Steps in which units are driven to zero; a tenth of all by default, or four tenths from scratch. The rest trains
  /// what is left.
  public var pruningSteps: Int?
  /// In so many periods, each of which chooses anew; ten by default, fewer where they would have less than five steps.
  public var periods: Int?
  public var weights = SaliencyWeights()
  /// Kept sizes of groups are multiples of this; groups of fewer units are left alone.
  public var roundTo = 1
  /// The least share of each group that stays; by default three quarters of what would stay of it if all lost the same
  /// share, or a tenth where the target is no share of units. The paper has none (0); then little may be left of a group
  /// whose units have many elements.
  public var minimumKeepShare: Double?
  /// The corrective cycle, which tries units before they go (HESSO-CRIC); one period then follows it.
  public var correction: CorrectiveCycleSettings?

  public init() {}

  /// - Throws: where a number cannot be meant.
  func check() throws(TrainingError) {
    for (name, number) in [("the number of pruning periods", periods ?? 1), ("round-to", roundTo)]
    where !(1...Int(Int32.max)).contains(number) {
      throw TrainingError(.settings, "\(name), \(number), must be from 1 to \(Int32.max)")
    }
    if let minimumKeepShare, !(0...1).contains(minimumKeepShare) {
      throw TrainingError(.settings, "the least share that stays, \(minimumKeepShare), must be from 0 to 1")
    }
    try correction?.check()
  }

  var text: String {
    func told(_ number: (some CustomStringConvertible)?) -> String { number.map { "\($0)" } ?? "-" }
    return "hesso\(startsFromScratch ? " from scratch" : "") start=\(told(start)) steps=\(told(pruningSteps)) "
      + "periods=\(told(periods)) weights=\(weights.text) "
      + "round-to=\(roundTo) keep=\(told(minimumKeepShare)) \(correction?.text ?? "")"
  }
}

/// How the corrective cycle goes.
public struct CorrectiveCycleSettings: Sendable, Equatable {
  /// The shares of each group that are taken away to see what that does to the loss, two steps each.
  public var trials = [0.25, 0.5, 0.75]
  /// Steps of a cycle.
  public var samplingSteps = 10
  /// Cycles at most.
  public var cycles = 10
  /// How much the loss of trials counts beside the terms of saliency.
  public var lossWeight = 1.0

  public init() {}

  /// - Throws: where a number cannot be meant.
  func check() throws(TrainingError) {
    for (name, number) in [("the steps of a cycle", samplingSteps), ("the number of cycles", cycles)] {
      guard (1...1 << 30).contains(number) else {
        throw TrainingError(.settings, "\(name), \(number), must be at least 1")
      }
    }
    guard trials.allSatisfy({ $0 > 0 && $0 < 1 }) else {
      throw TrainingError(.settings, "the shares of trials must be between 0 and 1")
    }
    guard lossWeight.isFinite, lossWeight >= 0 else {
      throw TrainingError(.settings, "the weight of trials' losses, \(lossWeight), must be at least 0")
    }
  }

  var text: String {
    let shares = trials.map { "\($0)" }.joined(separator: ",")
    return "cric trials=\(shares) sampling=\(samplingSteps) cycles=\(cycles) loss=\(lossWeight)"
  }
}
