import IR
import Runtime
import Training

/// Runs a model over all samples stage by stage, so that nodes between two stages may change by what was seen so far.
///
/// Certain nodes, the events, each end a stage: a stage holds the nodes that depend on as many events in a row. What a
/// later stage reads is kept for all samples; everything else is forgotten at once. Each node runs once on each sample.
struct StagedExecution {
  /// The number of stages; the events of stage 0 are none.
  let stageCount: Int
  /// The events that begin each stage, by their first outputs.
  let events: [[ValueID]]
  private let stages: [Int]
  /// The last stage that reads a value.
  private var lastUses: [ValueID: Int] = [:]
  private let producerStages: [ValueID: Int]
  private var stored: StageStore
  private let options: RuntimeOptions

  /// - Parameters:
  ///   - events: nodes of the main graph by their first outputs.
  ///   - memoryBudget: bytes that values may take in memory; of more, the rest is in a file.
  ///   - inputs: by name, of a batch.
  init(
    _ model: Model, events: Set<ValueID>, batchCount: Int, memoryBudget: Int, options: RuntimeOptions,
    inputs: (_ batch: Int) throws(TrainingError) -> [String: Tensor]
  ) throws(TrainingError) {
    let graph = model.graph
    var stageOfValue: [ValueID: Int] = [:]
    var stages = [Int](repeating: 0, count: graph.nodes.count)
    var found: [[ValueID]] = [[]]
    let order: [Int]
    do { order = try graph.topologicalOrder() } catch { throw TrainingError(.model, "\(error)") }
    for index in order {
      let node = graph.nodes[index]
      var stage = node.reads.reduce(0) { max($0, stageOfValue[$1] ?? 0) }
      if let output = node.output(0), events.contains(output) {
        stage += 1
        while found.count <= stage { found.append([]) }
        found[stage].append(output)
      }
      stages[index] = stage
      for case let output? in node.outputs { stageOfValue[output] = stage }
    }
    for (index, node) in graph.nodes.enumerated() {
      for value in node.reads { lastUses[value] = max(lastUses[value] ?? 0, stages[index]) }
    }
    self.stages = stages
    self.events = found
    stageCount = found.count
    producerStages = stageOfValue
    self.options = options
    stored = StageStore(batchCount: batchCount, memoryBudget: memoryBudget)
    for batch in 0..<batchCount {
      let tensors = try inputs(batch)
      for input in graph.inputs {
        guard let tensor = tensors[model.name(of: input.value)] else { continue }
        try stored.store(tensor, as: input.value, batch: batch)
      }
    }
  }

  var batchCount: Int { stored.batchCount }

  /// A value that an event of the next stage reads.
  func value(_ value: ValueID, batch: Int) -> Tensor? { stored.tensor(value, batch: batch) }

  /// Computes all values of a stage that later ones read.
  /// - Parameter model: as it is now: nodes may have changed, but none may have come or gone.
  mutating func run(_ stage: Int, of model: Model) throws(TrainingError) {
    let kept = producerStages.filter { $0.value == stage && (lastUses[$0.key] ?? 0) > stage }.keys.sorted()
    let part = model.segment(from: Set(stored.values), to: kept)
    let session: Session?
    do throws(RuntimeError) { session = kept.isEmpty ? nil : try Session(part, options: options) } catch {
      throw TrainingError(error)
    }
    for batch in 0..<stored.batchCount {
      if let session {
        var inputs: [String: Tensor] = [:]
        for input in session.inputs { inputs[part.name(of: input.value)] = stored.tensor(input.value, batch: batch) }
        let results: [String: Tensor]
        do throws(RuntimeError) { results = try session.run(inputs) } catch { throw TrainingError(error) }
        for value in kept {
          if let tensor = results[part.name(of: value)] { try stored.store(tensor, as: value, batch: batch) }
        }
      }
      stored.remove(batch) { (lastUses[$0] ?? 0) <= stage }
    }
  }
}
