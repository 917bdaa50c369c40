extension TrainingSettings {
  /// Epochs, steps and samples there may be: with ``largestAccumulation`` their products are far from overflowing.
  static let largestCount = Int(Int32.max)
  /// Batches there may be in a step.
  static let largestAccumulation = 1 << 20

  /// Looks for what no model and no data can make good; ``Trainer`` does so too.
  /// - Throws: where a number cannot be meant.
  public func check() throws(TrainingError) {
    try Self.check("the batch", batch, 1...Self.largestCount)
    try Self.check("the number of batches of a step", accumulation, 1...Self.largestAccumulation)
    try Self.check("the number of warm-up steps", schedule.warmUpSteps, 0...Self.largestCount)
    switch duration {
    case .epochs(let count): try Self.check("the number of epochs", count, 1...Self.largestCount)
    case .steps(let count): try Self.check("the number of steps", count, 1...Self.largestCount)
    }
    try Self.require(learningRate.isFinite && learningRate >= 0, "the learning rate \(learningRate)", "at least 0")
    if let largestNorm {
      try Self.require(largestNorm.isFinite && largestNorm > 0, "the largest norm \(largestNorm)", "above 0")
    }
    if case .step(let share, let factor) = schedule.shape {
      try Self.require(share > 0 && share <= 1, "the share of steps \(share)", "above 0 and at most 1")
      try Self.require(factor.isFinite && factor >= 0, "the factor \(factor) of the schedule", "at least 0")
    }
    try loss.check()
    try rule.check()
  }

  /// Steps of a run over data of so many batches an epoch.
  func steps(batchesPerEpoch: Int) throws(TrainingError) -> Int {
    switch duration {
    case .steps(let count): return count
    case .epochs(let count):
      let (batches, overflows) = count.multipliedReportingOverflow(by: batchesPerEpoch)
      guard !overflows, batches / accumulation <= Self.largestCount else {
        throw TrainingError(.settings, "\(count) epochs of \(batchesPerEpoch) batches are too many; give fewer epochs")
      }
      // Where all batches together are fewer than a step takes, the one step goes through the data again.
      return max(1, batches / accumulation)
    }
  }

  private static func check(_ what: String, _ count: Int, _ range: ClosedRange<Int>) throws(TrainingError) {
    try require(range.contains(count), "\(what), \(count),", "from \(range.lowerBound) to \(range.upperBound)")
  }

  fileprivate static func require(_ holds: Bool, _ what: String, _ range: String) throws(TrainingError) {
    guard holds else { throw TrainingError(.settings, "\(what) must be \(range)") }
  }
}

extension Loss {
  /// - Throws: where a number cannot be meant.
  func check() throws(TrainingError) {
    if case .crossEntropy(let smoothing) = kind {
      try TrainingSettings.require(
        smoothing >= 0 && smoothing < 1, "label smoothing of \(smoothing)", "from 0 up to 1")
    }
    guard let distillation else { return }
    let (temperature, share) = (distillation.temperature, distillation.share)
    try TrainingSettings.require(
      temperature.isFinite && temperature > 0, "the temperature \(temperature)", "above 0")
    try TrainingSettings.require(share >= 0 && share <= 1, "the teacher's share \(share)", "from 0 to 1")
  }
}

extension UpdateRule {
  /// What the rules have in common.
  func require(_ number: some BinaryFloatingPoint, _ name: String, upTo limit: Double) throws(TrainingError) {
    let value = Double(number)
    try TrainingSettings.require(
      value.isFinite && value >= 0 && value < limit, "\(name) \(number)",
      limit.isFinite ? "from 0 up to \(Int(limit))" : "at least 0")
  }
}
