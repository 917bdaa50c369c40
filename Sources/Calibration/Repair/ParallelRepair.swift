import IR
import Operators
import Pruning
import Runtime
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
    let observed = Set(sites.flatMap { [$0.layer.input, $0.layer.output] })
    var lines = [[Float]?](repeating: nil, count: sites.count)
    var failure: (any Error)?
    let session: Session
    do throws(RuntimeError) {
      session = try Session(repair.dense, observing: observed, options: repair.options.runtime)
    } catch {
      throw TrainingError(error)
    }
    for range in try data.batches(of: repair.options.batch, for: repair.dense) {
      let inputs = try data.samples(range).inputs
      let observe = { (value: ValueID, found: Observation) in
        guard failure == nil, let start = found.floats.baseAddress else { return }
        do {
          for (index, site) in sites.enumerated() {
            let rows = repair.rows(
              site, of: pruned.graph.nodes[site.node], weightShape: site.weightShape, samples: data.count)
            if value == site.layer.input {
              lines[index] = try rows.inputs(
                start, shape: found.shape, channels: site.keptInputs, first: range.lowerBound)
            }
            if value == site.layer.output, let x = lines[index] {
              let y = rows.outputs(start, shape: found.shape, channels: site.keptOutputs, first: range.lowerBound)
              try moments[index].add(x, y, workers: repair.options.runtime.workers)
              lines[index] = nil
            }
          }
        } catch { failure = error }
      }
      do throws(RuntimeError) { try session.run(inputs, observe: observe) } catch { throw TrainingError(error) }
      if let failure { throw failure }
      try progress("measuring", range.upperBound, data.count)
    }
    return moments
  }
}
