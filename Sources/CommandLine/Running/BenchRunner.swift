import Coppice
import DataSources
import FoundationEssentials
import Glibc
import IR
import Runtime
import Training

/// One model that is measured: a run is one pass forward, or one whole training step.
struct BenchRunner {
  let path: String
  let batch: Int
  /// Multiply-accumulate operations of one pass forward.
  let macs: Int
  private let step: () throws(RuntimeError) -> Void
  private let profileOnce: () throws(RuntimeError) -> [NodeTime]
  private(set) var times: [Double] = []

  init(path: String, batch: Int?, shapes: [String], trains: Bool, options: RuntimeOptions) throws {
    let loaded = try ModelFile(path: path).model()
    let model = trains ? loaded.unsharingVectors() : loaded
    let inputs: BenchInputs
    do { inputs = try BenchInputs(model, batch: batch, shapes: shapes) } catch let failure as Failure {
      throw failure.prefixed(path)
    }
    if !inputs.assumed.isEmpty {
      Talk.say("note: \(path): taken for open sizes: \(inputs.assumed.joined(separator: ", ")) (see --input-shape)")
    }
    let concrete = inputs.concrete(model)
    let analysis = try ModelAnalysis(concrete)
    self.path = path
    self.batch = inputs.batch
    macs = ModelStatistics(analysis).macs
    let data = inputs.random(for: model, seed: 1)
    do {
      if trains {
        // What cannot be run is named as such, and not as an output of unknown shape.
        try Runtime.Session(concrete, options: options).prepare(for: inputs.types)
        (step, profileOnce) = try Self.training(concrete, analysis, inputs, data, options)
      } else {
        let session = try Runtime.Session(model, options: options)
        try session.prepare(for: inputs.types)
        step = { () throws(RuntimeError) in _ = try session.run(data) }
        profileOnce = { () throws(RuntimeError) in try session.profile(data) }
      }
    } catch let error as RuntimeError {
      throw Failure.invalidModel("\(path): \(error)")
    } catch let error as TrainingError {
      throw Failure.usage("\(path): \(error)")
    }
  }

  private typealias Actions = (() throws(RuntimeError) -> Void, () throws(RuntimeError) -> [NodeTime])

  /// Cross-entropy against random labels, by gradient descent with momentum.
  private static func training(
    _ model: Model, _ analysis: ModelAnalysis, _ inputs: BenchInputs, _ data: [String: Tensor],
    _ options: RuntimeOptions
  ) throws -> Actions {
    let withLoss = try LossGraph(model, Loss(.crossEntropy()))
    let shape = analysis.facts[withLoss.output.index].shape?.map(\.known)
    guard let shape, let classes = shape.last ?? nil, shape.count > 1, !shape.contains(nil) else {
      throw TrainingError(.settings, "output \(withLoss.outputName) has no known shape of samples and classes")
    }
    let labelShape = shape.dropLast().compactMap { $0 }
    var generator = CounterRandom(seed: 2)
    let labels = (0..<labelShape.reduce(1, *)).map { _ in Int64(generator.integer(below: classes)) }
    var data = data
    data[withLoss.labelInput] = Tensor(int64s: labels, shape: labelShape)
    var shapes = inputs.shapes
    shapes[withLoss.labelInput] = labelShape
    let parameters = try Parameters(of: model)
    let program = try TrainingProgram(
      withLoss.model, minimizing: .loss(withLoss.loss), parameters: parameters, inputShapes: shapes, options: options)
    let optimizer = Optimizer(SGD(momentum: 0.9), parameters: parameters, workers: options.workers)
    let fixed = data
    return (
      { () throws(RuntimeError) in
        try program.run(fixed, step: optimizer.step)
        optimizer.step(program, rate: 1e-3)
      }, { () throws(RuntimeError) in try program.profile(fixed) }
    )
  }

  /// Runs once and notes how long it took.
  mutating func run(isWarmUp: Bool = false) throws {
    let start = ContinuousClock.now
    do throws(RuntimeError) { try step() } catch { throw Failure.other("\(path): \(error)") }
    if !isWarmUp { times.append(Session.seconds(since: start)) }
  }

  func profile() throws -> [NodeTime] {
    do throws(RuntimeError) { return try profileOnce() } catch { throw Failure.other("\(path): \(error)") }
  }

  var totalSeconds: Double { times.reduce(0, +) }

  /// The time that a share of the runs stays below.
  func seconds(percentile: Double) -> Double {
    let sorted = times.sorted()
    guard let last = sorted.last else { return 0 }
    let index = Int((Double(sorted.count) * percentile).rounded(.down))
    return index < sorted.count ? sorted[index] : last
  }

  /// The most memory the process has held.
  ///
  /// By the peak of its own memory map where the system tells it: what `getrusage` says of a process begins at the size
  /// of the one that started it.
  static var peakBytes: Int {
    if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) })
    {
      return kibibytes * 1024
    }
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss * 1024
  }
}
