import IR
import Pruning
import Training

/// Repairs every layer by itself, from what the whole model gives it.
struct ParallelRepair {
  let repair: Repair
  let sites: [RepairSite]
  let data: CalibrationData

  func updates(of pruned: Model, _ progress: Measuring.Progress) throws -> [LayerUpdate] {
    var updates: [LayerUpdate] = []
    for part in partition() {
      let moments = try measure(part, pruned, progress)
      for (site, moments) in zip(part, moments) {
        if let update = try repair.update(site, moments, on: data, in: pruned) { updates.append(update) }
      }
    }
    return updates
  }

  /// As many sites at a time as the budget has memory for.
  private func partition() -> [[RepairSite]] {
    var (parts, bytes) = ([[RepairSite]](), Int.max)
    for site in sites {
      let own = LayerMoments.byteCount(groups: site.groups, columns: site.columns, rows: site.rows)
      if parts.isEmpty || bytes + own > repair.options.memoryBudget {
        parts.append([])
        bytes = 0
      }
      parts[parts.count - 1].append(site)
      bytes += own
    }
    return parts
  }

  private func measure(
    _ sites: [RepairSite], _ pruned: Model, _ progress: Measuring.Progress
  ) throws -> [LayerMoments] {
    var moments = sites.map { LayerMoments(groups: $0.groups, columns: $0.columns, rows: $0.rows) }
    let rows = sites.map { site in
      repair.rows(site, of: pruned.graph.nodes[site.node], samples: data.count)
    }
    let observation = SiteObservation(
      dense: repair.dense, sites: sites, data: data, batch: repair.options.batch, runtime: repair.options.runtime,
      rows: rows)
    try observation.run(progress) { site, x, y in
      try moments[site].add(x, y, workers: repair.options.runtime.workers)
    }
    return moments
  }
}
