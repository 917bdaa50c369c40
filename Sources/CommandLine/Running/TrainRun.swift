import Coppice
import DataSources
import Glibc
import Synchronization
import Training

/// Steps until the end, with what is said and written meanwhile.
struct TrainRun {
  struct Result {
    var steps: Int
    /// Mean over the last steps, at most an epoch's.
    var loss: Double
    var top1: Double?
    var secondsPerStep: Double
    var validation: Metrics?
  }

  let trainer: Trainer
  let validation: (any Dataset)?
  let evaluation: Evaluation
  let files: TrainFileArguments
  let talk: TalkArguments

  func toTheEnd() throws -> Result {
    var log = try files.log.map { try TrainLog(path: $0, appending: files.resume != nil) }
    var progress = TrainProgress(trainer: trainer, isQuiet: talk.quiet)
    while !trainer.isFinished {
      let start = ContinuousClock.now
      let step = try trainer.next()
      progress.add(step, seconds: Session.seconds(since: start))
      try log?.write(step, seconds: Session.seconds(since: start))
      if !trainer.isFinished, trainer.epoch != step.epoch { try validate(epoch: step.epoch) }
      if TrainInterruption.isRequested { try stop() }
      if let every = files.checkpointEvery, step.number % every == 0 {
        try trainer.writeCheckpoint(to: files.checkpointPath)
      }
    }
    ProgressBar.eraseLine()
    try trainer.checkWeights()
    let metrics = try validation.map { try evaluation(trainer.trainedModel(), on: $0) }
    return Result(
      steps: trainer.step, loss: progress.loss, top1: progress.top1, secondsPerStep: progress.secondsPerStep,
      validation: metrics)
  }

  private func validate(epoch: Int) throws {
    guard let validation else { return }
    let metrics = try evaluation(trainer.trainedModel(), on: validation) { _, _ in !TrainInterruption.isRequested }
    guard !talk.quiet, !TrainInterruption.isRequested else { return }
    ProgressBar.eraseLine()
    Talk.say("epoch \(epoch + 1): validation \(metrics.text)")
  }

  private func stop() throws {
    try trainer.writeCheckpoint(to: files.checkpointPath)
    throw Failure.interrupted(
      "interrupted after step \(trainer.step) of \(trainer.totalSteps); to go on, give the same command and --resume "
        + files.checkpointPath)
  }
}

/// Ctrl-C lets the step at hand finish; a second one ends the process at once.
enum TrainInterruption {
  private static let requests = Atomic(0)

  static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

  static func install() {
    // The counter exists before a signal can come.
    _ = isRequested
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        let before = TrainInterruption.requests.wrappingAdd(1, ordering: .relaxed).oldValue
        if before > 0 {
          TemporaryFiles.removeAll()
          _exit(128 + number)
        }
      }
    }
  }
}

/// A line of JSON a step.
struct TrainLog: ~Copyable {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  init(path: String, appending: Bool) throws {
    guard let file = fopen(path, appending ? "a" : "w") else {
      throw Failure.other("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
    self.path = path
    self.file = file
  }

  deinit { fclose(file) }

  mutating func write(_ step: Trainer.Step, seconds: Double) throws {
    let line = JSONText.object([
      ("step", .int(step.number)), ("epoch", .int(step.epoch)), ("loss", .double(step.loss)),
      ("top1", step.top1.map { .double($0) } ?? .null), ("learningRate", .double(step.learningRate)),
      ("gradientNorm", step.gradientNorm.map { .double($0) } ?? .null), ("samples", .int(step.samples)),
      ("seconds", .double(seconds)),
    ])
    guard fputs(line.text() + "\n", file) >= 0, fflush(file) == 0 else {
      throw Failure.other("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}

/// What is said while steps are made: a line that is drawn anew on a terminal, a line now and then elsewhere.
struct TrainProgress {
  private let total: Int
  private let start: Int
  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastSaid = ContinuousClock.now
  private var recent: [(loss: Double, top1: Double?)] = []
  private var seconds = 0.0
  private var count = 0
  private var samples = 0

  init(trainer: Trainer, isQuiet: Bool) {
    total = trainer.totalSteps
    start = trainer.step
    self.isQuiet = isQuiet
  }

  var loss: Double { recent.isEmpty ? .nan : recent.reduce(0) { $0 + $1.loss } / Double(recent.count) }
  var top1: Double? {
    let shares = recent.compactMap(\.top1)
    return shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }
  var secondsPerStep: Double { count == 0 ? 0 : seconds / Double(count) }

  mutating func add(_ step: Trainer.Step, seconds: Double) {
    recent.append((step.loss, step.top1))
    if recent.count > 100 { recent.removeFirst() }
    self.seconds += seconds
    count += 1
    samples += step.samples
    let now = ContinuousClock.now
    guard !isQuiet, now - lastSaid > (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
    lastSaid = now
    let line = line(step)
    if isTerminal {
      ProgressBar.eraseLine()
      var text = Talk.printable(line)
      text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    } else {
      Talk.say(line)
    }
  }

  /// `step 120/2,500, epoch 1: loss 0.6931, top-1 51.2 %, 812 samples/s, 95 s left`.
  private func line(_ step: Trainer.Step) -> String {
    let left = Double(total - step.number) * secondsPerStep
    let metric = top1.map { ", top-1 \(decimal($0 * 100, 1)) %" } ?? ""
    return
      "step \(grouped(step.number))/\(grouped(total)), epoch \(step.epoch + 1): loss \(decimal(loss, 4))\(metric), "
      + "\(decimal(Double(samples) / max(seconds, 1e-9), 0)) samples/s, \(decimal(left, 0)) s left"
  }
}
