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

  init(path: String, batch: Int?, shapes: InputShapes, trains: Bool, isQuiet: Bool, options: RuntimeOptions) throws {
    let loaded = try ModelFile(path: path).model()
    let model = trains ? loaded.unsharingVectors() : loaded
    let sizes = try Self.sizes(of: model, batch: batch, shapes: shapes, isQuiet: isQuiet, path)
    let concrete = Self.declaring(sizes, in: model)
    self.path = path
    self.batch = sizes.batch
    do {
      let analysis = try ModelAnalysis(concrete)
      macs = ModelStatistics(analysis).macs
      let inputs = RandomInputs(for: [model], sizes: sizes, seed: 1)
      if trains {
        // What cannot be run is named as such when memory is planned, and not as an output of unknown shape. The
        // session and its weights are gone before those that are trained come.
        try Self.refuse(
          try Runtime.Session(concrete, options: options).memory(for: sizes.types).peakBytes, beside: sizes, path)
        (step, profileOnce) = try Self.training(concrete, analysis, sizes, inputs.sample(0), options)
      } else {
        let session = try Runtime.Session(model, options: options)
        try Self.refuse(try session.memory(for: sizes.types).peakBytes, beside: sizes, path)
        try session.prepare(for: sizes.types)
        let data = inputs.sample(0)
        step = { () throws(RuntimeError) in _ = try session.run(data) }
        profileOnce = { () throws(RuntimeError) in try session.profile(data) }
      }
    } catch let error as RuntimeError {
      throw Failure.invalidModel("\(path): \(error)")
    } catch let error as AnalysisError {
      throw Failure.invalidModel("\(path): \(error)")
    } catch let error as TrainingError {
      throw Failure.usage("\(path): \(error)")
    }
  }

  private static func sizes(
    of model: Model, batch: Int?, shapes: InputShapes, isQuiet: Bool, _ path: String
  ) throws -> InputSizes {
    let sizes: InputSizes
    do throws(PassError) {
      sizes = try InputSizes(model, shapes: shapes, batch: batch, usual: .large)
    } catch {
      if case .usage(let text) = error { throw Failure.usage("\(path): \(text)") }
      throw Failure.invalidModel("\(path): \(error)")
    }
    if !isQuiet, !sizes.assumed.isEmpty {
      Talk.say("note: \(path): taken for open sizes: \(sizes.assumed.joined(separator: ", ")) (see --input-shape)")
    }
    return sizes
  }

  /// The model with these sizes declared.
  private static func declaring(_ sizes: InputSizes, in model: Model) -> Model {
    var model = model
    let shapes = sizes.types.mapValues(\.shape)
    for index in model.graph.inputs.indices {
      guard let shape = shapes[model.name(of: model.graph.inputs[index].value)] else { continue }
      model.graph.inputs[index].type?.tensor?.shape = shape.map { DeclaredSize(.known(Int64($0))) }
    }
    return model
  }

  /// Refuses a run that the machine has no memory for.
  private static func refuse(_ planned: Int, beside sizes: InputSizes, _ path: String) throws {
    let (bytes, overflows) = planned.addingReportingOverflow(sizes.byteCount)
    guard overflows || bytes > MachineMemory.byteCount else { return }
    throw Failure.usage(
      "\(path): a run takes \(overflows ? "too many" : grouped(bytes)) bytes, this machine has "
        + "\(grouped(MachineMemory.byteCount)); use a smaller --batch or --input-shape")
  }

  private typealias Actions = (() throws(RuntimeError) -> Void, () throws(RuntimeError) -> [NodeTime])

  /// Cross-entropy against random labels, by gradient descent with momentum.
  private static func training(
    _ model: Model, _ analysis: ModelAnalysis, _ sizes: InputSizes, _ data: [String: Tensor],
    _ options: RuntimeOptions
  ) throws -> Actions {
    let withLoss = try LossGraph(model, Loss(.crossEntropy()))
    let shape = analysis.facts[withLoss.output.index].shape?.map(\.known)
    guard let shape, let classes = shape.last ?? nil, shape.count > 1, !shape.contains(nil) else {
      throw TrainingError(.settings, "output \(withLoss.outputName) has no known shape of samples and classes")
    }
    let labelShape = shape.dropLast().compactMap { $0 }
    var generator = CounterRandom(seed: 2)
    let labels = (0..<labelShape.reduce(1, *)).map { _ in Int64(generator.number(below: max(1, classes))) }
    var data = data
    data[withLoss.labelInput] = Tensor(int64s: labels, shape: labelShape)
    var shapes = sizes.types.mapValues(\.shape)
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
