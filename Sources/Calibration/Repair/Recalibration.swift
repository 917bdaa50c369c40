import IR
import Kernels
import Runtime
import Training

/// Takes the running statistics of batch normalizations anew: each is given the mean and variance that its input has on
/// the samples, the first ones first, because what one makes is what the next one sees.
///
/// On generated samples this is for the twin of a model only, never for a model that is to work on real data.
public struct Recalibration {
  public var batch = 32
  /// Bytes that values between layers may take in memory; of more, the rest is in a file.
  public var memoryBudget = 1 << 30
  public var runtime = RuntimeOptions()

  public init() {}

  /// The twin of a model for generated samples: with running statistics as they are on these, so that what lies behind a
  /// normalization has the mean and variance it has on real data. Weights keep their places, so that an analysis of the
  /// model holds for the twin.
  /// - Returns: `nil` for other samples, and for models without batch normalization, which stand for themselves.
  static func twin(
    of model: Model, on data: CalibrationData, batch: Int, runtime: RuntimeOptions, _ progress: Measuring.Progress
  ) throws -> Model? {
    guard data.origin == .generated else { return nil }
    var recalibration = Recalibration()
    recalibration.batch = batch
    recalibration.runtime = runtime
    let (twin, count) = try recalibration(model, on: data, progress: progress)
    return count > 0 ? twin : nil
  }

  /// - Returns: the model, and how many normalizations changed.
  public func callAsFunction(
    _ model: Model, on data: CalibrationData, progress: Measuring.Progress = { _, _, _ in }
  ) throws -> (model: Model, count: Int) {
    let uses = OperandUses(model)
    let nodes = model.graph.nodes.indices.filter { uses.isNormalization($0) }
    var nodeOfOutput: [ValueID: Int] = [:]
    for index in nodes { if let output = model.graph.nodes[index].output(0) { nodeOfOutput[output] = index } }
    guard !nodeOfOutput.isEmpty else { return (model, 0) }
    let ranges = try data.batches(of: batch, for: model)
    var execution = try StagedExecution(
      model, events: Set(nodeOfOutput.keys), batchCount: ranges.count, memoryBudget: memoryBudget, options: runtime
    ) { batch throws(TrainingError) in try data.samples(ranges[batch]).inputs }
    var result = model
    var done = 0
    for stage in 0..<execution.stageCount {
      for output in execution.events[stage] {
        guard let node = nodeOfOutput[output], let input = model.graph.nodes[node].input(0) else { continue }
        let moments = try moments(of: input, in: execution, normalization: node, model)
        write(moments, node, &result)
        done += 1
        try progress("recalibrating", done, nodeOfOutput.count)
      }
      try execution.run(stage, of: result)
    }
    return (result, done)
  }

  private func moments(
    of input: ValueID, in execution: StagedExecution, normalization node: Int, _ model: Model
  ) throws -> ChannelMoments {
    var moments: ChannelMoments?
    for batch in 0..<execution.batchCount {
      guard let tensor = execution.value(input, batch: batch), tensor.shape.count > 1 else { continue }
      var found = moments ?? ChannelMoments(channels: tensor.shape[1])
      tensor.withFloats { start in
        found.add(
          UnsafeBufferPointer(start: start, count: tensor.elementCount), outer: tensor.shape[0],
          inner: tensor.shape.dropFirst(2).reduce(1, *), workers: runtime.workers)
      }
      moments = found
    }
    guard let moments, moments.count > 0 else {
      throw TrainingError(.model, "node \(model.graph.nodes[node].label(in: model)): its input cannot be measured")
    }
    return moments
  }

  private func write(_ moments: ChannelMoments, _ node: Int, _ model: inout Model) {
    let count = Double(moments.count)
    let means = moments.sums.map { $0 / count }
    let variances = zip(moments.squares, means).map { max(0, $0 / count - $1 * $1) }
    for (input, values, what) in [(3, means, "mean"), (4, variances, "var")] {
      guard let old = model.constant(node: node, input: input),
        let tensor = old.holding(values.map { Float($0) })
      else { continue }
      let name = model.graph.nodes[node].output(0).map { model.name(of: $0) } ?? ""
      model.setConstant(tensor, node: node, input: input, named: "\(name)_\(what)")
    }
  }
}
