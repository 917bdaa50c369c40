import IR
import Pruning
import Training

/// What layers made before anything was removed, at the rows that are looked at: of as many layers at a time as there
/// is memory for, in the order they are asked for.
struct LayerTargets {
  private let repair: Repair
  private let sites: [RepairSite]
  private let data: CalibrationData
  private var outputs: RecordedOutputs?
  /// Sites that have not been measured yet, the next one last.
  private var pending: [Int]
  /// By site, for each batch.
  private var measured: [Int: [[Float]]] = [:]

  /// - Parameter order: indices of sites, as they will be asked for.
  init(repair: Repair, sites: [RepairSite], order: [Int], data: CalibrationData, outputs: RecordedOutputs?) {
    self.repair = repair
    self.sites = sites
    self.data = data
    let ranges = try? data.batches(of: repair.options.batch, for: repair.dense)
    self.outputs = outputs.flatMap { $0.batches == ranges ? $0 : nil }
    pending = order.reversed()
  }

  /// The targets of a site, for each batch; they are given once.
  /// - Parameter model: the pruned one.
  mutating func take(_ site: Int, of model: Model, _ progress: Measuring.Progress) throws -> [[Float]] {
    if measured[site] == nil { try measure(of: model, progress) }
    return measured.removeValue(forKey: site) ?? []
  }

  private mutating func measure(of model: Model, _ progress: Measuring.Progress) throws {
    var (part, bytes) = ([Int](), 0)
    while let next = pending.last {
      bytes += byteCount(sites[next])
      if !part.isEmpty, bytes > repair.options.memoryBudget { break }
      part.append(pending.removeLast())
    }
    let own = part.map { sites[$0] }
    let rows = own.map { repair.rows($0, of: model.graph.nodes[$0.node], samples: data.count) }
    let known = zip(own, rows).map { outputs?.take($0.layer.output, $1, channels: $0.keptOutputs) }
    guard known.contains(where: { $0 == nil }) else {
      for (index, outputs) in zip(part, known) { measured[index] = outputs }
      return
    }
    let observation = SiteObservation(
      dense: repair.dense, sites: own, data: data, batch: repair.options.batch, runtime: repair.options.runtime,
      rows: rows)
    try observation.runOutputs(progress) { index, outputs in measured[part[index], default: []].append(outputs) }
  }

  /// At most.
  private func byteCount(_ site: RepairSite) -> Int {
    let positions = max(1, (repair.options.rowLimit(site.layer, repair.analysis) + data.count - 1) / max(1, data.count))
    return positions * data.count * site.groups * site.rows * MemoryLayout<Float>.size
  }
}
