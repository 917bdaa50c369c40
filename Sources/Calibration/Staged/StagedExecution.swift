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
  private let inputNames: [ValueID: String]
  /// For each batch the values later stages read.
  private var stored: [[ValueID: Tensor]]
  private let options: RuntimeOptions

  /// - Parameters:
  ///   - events: nodes of the main graph by their first outputs.
  ///   - batches: inputs by name.
  init(
    _ model: Model, events: Set<ValueID>, batches: [[String: Tensor]], options: RuntimeOptions
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
    var names: [ValueID: String] = [:]
    for input in graph.inputs { names[input.value] = model.name(of: input.value) }
    inputNames = names
    stored = batches.map { batch in
      names.reduce(into: [:]) { values, input in values[input.key] = batch[input.value] }
    }
  }

  var batchCount: Int { stored.count }

  /// A value that an event of the next stage reads.
  func value(_ value: ValueID, batch: Int) -> Tensor? { stored[batch][value] }

  /// Computes all values of a stage that later ones read.
  /// - Parameter model: as it is now: nodes may have changed, but none may have come or gone.
  mutating func run(_ stage: Int, of model: Model) throws(TrainingError) {
    let kept = producerStages.filter { $0.value == stage && (lastUses[$0.key] ?? 0) > stage }.keys.sorted()
    let available = Set(stored.first.map { Array($0.keys) } ?? [])
    let part = model.segment(from: available, to: kept)
    let session: Session?
    do throws(RuntimeError) { session = kept.isEmpty ? nil : try Session(part, options: options) } catch {
      throw TrainingError(error)
    }
    for batch in stored.indices {
      if let session {
        var inputs: [String: Tensor] = [:]
        for input in session.inputs { inputs[part.name(of: input.value)] = stored[batch][input.value] }
        let results: [String: Tensor]
        do throws(RuntimeError) { results = try session.run(inputs) } catch { throw TrainingError(error) }
        for value in kept { stored[batch][value] = results[part.name(of: value)] }
      }
      for value in Array(stored[batch].keys) where (lastUses[value] ?? 0) <= stage { stored[batch][value] = nil }
    }
  }
}
