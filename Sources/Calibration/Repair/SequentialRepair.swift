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
  /// What the model as it was made of the first samples, where that is known.
  let outputs: RecordedOutputs?

  func updates(of pruned: Model, _ progress: Measuring.Progress) throws -> [LayerUpdate] {
    let ranges = try data.batches(of: repair.options.batch, for: repair.dense)
    var part = try StagedExecution(
      pruned, events: Set(sites.map(\.layer.output)), batchCount: ranges.count,
      memoryBudget: repair.options.memoryBudget, options: repair.options.runtime
    ) { batch throws(TrainingError) in try data.samples(ranges[batch]).inputs }
    let order = part.events.map { events in sites.indices.filter { events.contains(sites[$0].layer.output) } }
    var targets = LayerTargets(repair: repair, sites: sites, order: order.flatMap { $0 }, data: data, outputs: outputs)
    var (model, updates) = (pruned, [LayerUpdate]())
    for (stage, own) in order.enumerated() {
      for index in own {
        let site = sites[index]
        let workers = repair.options.runtime.workers
        var moments = LayerMoments(groups: site.groups, columns: site.columns, rows: site.rows, workers: workers)
        let rows = repair.rows(site, of: model.graph.nodes[site.node], samples: data.count)
        let outputs = try targets.take(index, of: model, progress)
        var (x, y) = ([Float](), [Float]())
        for (batch, targets) in outputs.enumerated() {
          guard let input = part.value(site.layer.input, batch: batch) else { continue }
          x += try inputs(input, site, rows, samples: ranges[batch])
          y += targets
          guard x.count >= LayerMoments.pieceRows * site.groups * site.columns else { continue }
          try moments.add(x, y, workers: workers)
          x.removeAll(keepingCapacity: true)
          y.removeAll(keepingCapacity: true)
        }
        if !x.isEmpty { try moments.add(x, y, workers: workers) }
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

  private func inputs(_ x: Tensor, _ site: RepairSite, _ rows: LayerRows, samples: Range<Int>) throws -> [Float] {
    let lines = try x.withFloats { start in
      try rows.inputs(
        start, shape: x.shape, channels: Array(0..<site.keptInputs.count), samples: samples,
        workers: repair.options.runtime.workers)
    }
    return lines ?? []
  }
}
