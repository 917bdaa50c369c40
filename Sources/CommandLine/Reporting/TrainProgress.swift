import Glibc
import Training

/// What is said while steps are made: a bar that is drawn anew on a terminal, a line now and then elsewhere.
struct TrainProgress {
  private let total: Int
  private let isQuiet: Bool
  private let isTerminal = ProgressBar.isTerminal
  private var lastSaid = ContinuousClock.now
  private var tellsNext = false
  private var recent: [(loss: Double, top1: Double?)] = []
  private var seconds = 0.0
  private var count = 0
  private var samples = 0

  init(trainer: Trainer, isQuiet: Bool) {
    total = trainer.totalSteps
    self.isQuiet = isQuiet
  }

  var loss: Double? { recent.isEmpty ? nil : recent.reduce(0) { $0 + $1.loss } / Double(recent.count) }
  var top1: Double? {
    let shares = recent.compactMap(\.top1)
    return shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }
  var secondsPerStep: Double? { count == 0 ? nil : seconds / Double(count) }

  /// Says whether the next step will be told of, which is found out before it is made: norms take a look at all weights.
  mutating func willTell() -> Bool {
    tellsNext = !isQuiet && .now - lastSaid > (isTerminal ? .milliseconds(200) : .seconds(10))
    return tellsNext
  }

  mutating func add(_ step: Trainer.Step, seconds: Double) {
    // The loss of a trial is that of a model with parts taken away.
    if step.hasLoss, !step.isTrial { recent.append((step.loss, step.top1)) }
    if recent.count > 100 { recent.removeFirst() }
    self.seconds += seconds
    count += 1
    samples += step.samples
    guard tellsNext else { return }
    lastSaid = .now
    let status = TrainStatus(
      step: step.number, total: total, epoch: step.epoch + 1, loss: loss ?? step.loss, top1: top1,
      sparsity: step.figure("sparsity"), norms: step.norms,
      samplesPerSecond: Double(samples) / max(self.seconds, 1e-9),
      secondsLeft: Double(total - step.number) * (secondsPerStep ?? 0))
    if isTerminal {
      ProgressBar.draw(status.bar(width: ProgressBar.terminalWidth))
    } else {
      Talk.say(status.line)
    }
  }
}

extension Trainer.Step {
  fileprivate func figure(_ name: String) -> Double? { figures.first { $0.name == name }?.value }

  fileprivate var norms: (redundant: Double, important: Double)? {
    guard let redundant = figure("redundantNorm"), let important = figure("importantNorm") else { return nil }
    return (redundant: redundant, important: important)
  }
}

/// How far a run is and how it goes.
struct TrainStatus {
  let step: Int
  let total: Int
  /// From 1 on.
  let epoch: Int
  let loss: Double
  let top1: Double?
  /// The share of channels that are gone, where some are to go.
  var sparsity: Double?
  /// Of what is on its way to zero, and of what stays.
  var norms: (redundant: Double, important: Double)?
  let samplesPerSecond: Double
  let secondsLeft: Double

  /// `step 120/2,500, epoch 1: loss 0.6931, top-1 51.2 %, 812 samples/s, 95 s left`.
  var line: String { "\(place), epoch \(epoch): \(whole.joined(separator: ", "))" }

  /// `step 120/2,500 [==    ] loss 0.6931, top-1 51.2 %, 812 samples/s, 95 s left`, in less than the width.
  func bar(width: Int) -> String {
    let details = [
      whole, [lossText] + metrics + [rate, left], [lossText] + metrics + [left], [lossText, left], [lossText],
    ]
    return ProgressBar.line(
      place, share: Double(step) / Double(max(1, total)), details: details.map { $0.joined(separator: ", ") },
      width: width)
  }

  private var place: String { "step \(grouped(step))/\(grouped(total))" }
  /// All there is to say.
  private var whole: [String] { [lossText] + metrics + normTexts + [rate, left] }
  private var lossText: String { "loss \(decimal(loss, 4))" }
  private var metrics: [String] {
    (top1.map { ["top-1 \(decimal($0 * 100, 1)) %"] } ?? [])
      + (sparsity.map { ["sparsity \(decimal($0 * 100, 1)) %"] } ?? [])
  }
  private var normTexts: [String] {
    norms.map { ["redundant \(Self.short($0.redundant))", "important \(Self.short($0.important))"] } ?? []
  }
  /// About three digits.
  private static func short(_ norm: Double) -> String { decimal(norm, norm < 10 ? 2 : norm < 100 ? 1 : 0) }
  private var rate: String { "\(decimal(samplesPerSecond, 0)) samples/s" }
  private var left: String { ProgressBar.timeLeft(secondsLeft) }
}
