import IR
import Operators
import Pruning
import Runtime
import Training

/// Repairs layer after layer: each is given what the repaired ones before it make, and should make what it made before
/// (the dense targets and pruned inputs of Meng et al., "OSSCAR", ICML 2024).
struct SequentialRepair {
  let repair: Repair
  let sites: [RepairSite]
  let data: CalibrationData

  func updates(of pruned: Model, _ progress: Measuring.Progress) throws -> [LayerUpdate] {
    let events = Set(sites.map(\.layer.output))
    let batches = try data.batches(of: repair.options.batch, for: repair.dense).map { try data.samples($0).inputs }
    let starts = try data.batches(of: repair.options.batch, for: repair.dense).map(\.lowerBound)
    var whole = try StagedExecution(repair.dense, events: events, batches: batches, options: repair.options.runtime)
    var part = try StagedExecution(pruned, events: events, batches: batches, options: repair.options.runtime)
    guard whole.events.map(Set.init) == part.events.map(Set.init) else {
      throw TrainingError(.model, "the pruned model runs its layers in another order; repair them with par")
    }
    var (model, updates) = (pruned, [LayerUpdate]())
    for stage in 0..<whole.stageCount {
      let own = sites.filter { whole.events[stage].contains($0.layer.output) }
      var moments = own.map { LayerMoments(groups: $0.groups, columns: $0.columns, rows: $0.rows) }
      try whole.run(stage, of: repair.dense, showing: own.map(\.layer.output)) { batch, values in
        for (index, site) in own.enumerated() {
          guard let x = part.value(site.layer.input, batch: batch), let y = values[site.layer.output] else { continue }
          try add(x, y, site, model.graph.nodes[site.node], first: starts[batch], to: &moments[index])
        }
      }
      for (site, moments) in zip(own, moments) {
        if let update = try repair.update(site, moments, on: data, in: model) {
          update.apply(to: &model)
          updates.append(update)
        }
        try progress("repairing", updates.count, sites.count)
      }
      try part.run(stage, of: model)
    }
    return updates
  }

  private func add(
    _ x: Tensor, _ y: Tensor, _ site: RepairSite, _ node: Node, first: Int, to moments: inout LayerMoments
  ) throws {
    let rows = repair.rows(site, of: node, weightShape: site.weightShape, samples: data.count)
    let lines = try x.withFloats { start in
      try rows.inputs(start, shape: x.shape, channels: Array(0..<site.keptInputs.count), first: first)
    }
    let targets = try y.withFloats { start in
      rows.outputs(start, shape: y.shape, channels: site.keptOutputs, first: first)
    }
    guard let lines, let targets else { return }
    try moments.add(lines, targets, workers: repair.options.runtime.workers)
  }
}
