import ArgumentParser
import Coppice
import Runtime

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how fast models run or train.",
    discussion: """
      Runs on random data; several models take turns, so that what else the machine does meets all alike.
      With --train a run is a whole training step: forward, backward and update.

      EXAMPLE
        coppice bench model.onnx small.onnx --batch 8 --threads 2
      """)

  @Argument(help: "The models to measure.", completion: .file(extensions: ["onnx"])) var models: [String]
  @Option(parsing: .unconditional, help: "Samples a run, where the model leaves its first axis open.") var batch: Int?
  @OptionGroup var runtime: RuntimeArguments
  @Option(parsing: .unconditional, help: "Runs of each model; as many as take about five seconds by default.")
  var runs: Int?
  @Option(parsing: .unconditional, help: "Runs before measuring.") var warmUp = 3
  @Flag(help: "Measure whole training steps.") var train = false
  @Flag(help: "Show what kinds of operators take the time.") var operators = false
  @OptionGroup var inputs: InputShapeArguments
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func validate() throws {
    guard !models.isEmpty else { throw ValidationError("give at least one model") }
    for (name, value) in [("--batch", batch), ("--runs", runs)] {
      if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
    }
    if warmUp < 0 { throw ValidationError("--warm-up must not be negative") }
  }

  func run() throws {
    let shapes = try inputs.parsed()
    var runners = try models.map {
      try BenchRunner(
        path: $0, batch: batch, shapes: shapes, trains: train, isQuiet: talk.quiet, options: runtime.options)
    }
    try measure(&runners)
    let peak = BenchRunner.peakBytes
    let times = try runners.map { runner -> [OperatorTime] in
      operators || json ? Self.byOperator(try runner.profile()) : []
    }
    try printOut(
      json ? Self.json(runners, times, peak: peak).text(linesTo: 3) : Self.text(runners, times, peak: peak))
  }

  /// At least ten runs, at most fifty, within about five seconds a model.
  private func measure(_ runners: inout [BenchRunner]) throws {
    for index in runners.indices {
      for _ in 0..<warmUp { try runners[index].run(isWarmUp: true) }
    }
    let limit = runs ?? 50
    for round in 0..<limit {
      for index in runners.indices { try runners[index].run() }
      if runs == nil, round >= 9, runners.allSatisfy({ $0.totalSeconds > 5 }) { return }
    }
  }

  /// What the nodes of one kind of operator took.
  private struct OperatorTime {
    let name: String
    var count = 0
    var seconds = 0.0

    mutating func add(_ seconds: Double) {
      count += 1
      self.seconds += seconds
    }
  }

  /// Seconds by kind of operator, the longest first.
  private static func byOperator(_ times: [NodeTime]) -> [OperatorTime] {
    var sums: [String: OperatorTime] = [:]
    for time in times {
      sums[time.opType, default: OperatorTime(name: time.opType)].add(Session.seconds(time.duration))
    }
    return sums.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
  }

  private static func text(
    _ runners: [BenchRunner], _ times: [[OperatorTime]], peak: Int
  ) -> String {
    let rows = runners.map { runner in
      let median = runner.seconds(percentile: 0.5)
      return [
        runner.path, "\(runner.batch)", milliseconds(median), milliseconds(runner.seconds(percentile: 0.9)),
        decimal(Double(runner.batch) / median, 1), decimal(Double(runner.macs) / median / 1e9, 1),
      ]
    }
    var lines = [table([["model", "batch", "p50 ms", "p90 ms", "samples/s", "GMAC/s"]] + rows)]
    lines.append("peak memory \(decimal(Double(peak) / 1_048_576, 1)) MiB")
    for (runner, operators) in zip(runners, times) where !operators.isEmpty {
      let total = operators.reduce(0) { $0 + $1.seconds }
      lines.append("\n\(runner.path)")
      lines.append(
        table(
          [["operator", "nodes", "ms", "share"]]
            + operators.map { ["\($0.name)", "\($0.count)", milliseconds($0.seconds), percent($0.seconds / total)] }))
    }
    return Talk.printable(lines.joined(separator: "\n"))
  }

  private static func json(
    _ runners: [BenchRunner], _ times: [[OperatorTime]], peak: Int
  ) -> JSONText {
    let models = zip(runners, times).map { runner, operators -> JSONText in
      let median = runner.seconds(percentile: 0.5)
      return .object([
        ("path", .string(runner.path)), ("batch", .int(runner.batch)), ("runs", .int(runner.times.count)),
        ("p50Seconds", .double(median)), ("p90Seconds", .double(runner.seconds(percentile: 0.9))),
        ("samplesPerSecond", .double(Double(runner.batch) / median)), ("peakBytes", .int(peak)),
        ("macs", .int(runner.macs)), ("macsPerSecond", .double(Double(runner.macs) / median)),
        ("operatorSeconds", .object(operators.map { ($0.name, .double($0.seconds)) })),
      ])
    }
    return .object([("version", .int(1)), ("models", .array(models))])
  }

  private static func milliseconds(_ seconds: Double) -> String { decimal(seconds * 1e3, 2) }
}
