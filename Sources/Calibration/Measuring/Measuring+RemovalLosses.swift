import Analysis
import Dimensions
import IR
import Kernels
import Operators
import Pruning
import Runtime
import Training

extension Measuring {
  /// What removing each channel of each group costs the layers that read it: the growth of E‖y − W·x‖² where the rest
  /// of the layer's matrix makes up for the channel as well as it can, as a share of what y varies.
  /// - Parameters:
  ///   - stepwise: whether channels go one after the other.
  ///   - outputs: notes what all layers make, where they are all run at once.
  func removalLosses(
    stepwise: Bool, _ outputs: inout RecordedOutputs?, _ progress: Progress
  ) throws -> [DimensionID: [Double]] {
    guard let all = data else { return [:] }
    let data = try lossSamples(of: all)
    var losses: [DimensionID: [Double]] = [:]
    let parts = partition(samples: data.count)
    if parts.count == 1 {
      outputs?.begin(
        layers.all, of: model, analysis, on: all, batches: try data.batches(of: options.batch, for: model))
    }
    for part in parts {
      let removals = try removals(of: part.layers, data, &outputs, progress)
      for (done, index) in part.groups.enumerated() {
        let group = analysis.groups[index]
        let readers = layers.readers(of: group).compactMap { reader in removals[reader].map { (reader, $0) } }
        do throws(BLASError) {
          losses[group.dimension] = stepwise ? try stepwiseLosses(group, readers) : try singleLosses(group, readers)
        } catch {
          throw TrainingError(.model, "group \(group.id): \(error)")
        }
        try progress("scoring", done + 1, part.groups.count)
      }
    }
    return losses
  }

  private func singleLosses(
    _ group: PruningGroup, _ readers: [(index: Int, removal: RemovalLosses)]
  ) throws(BLASError) -> [Double] {
    var sums = [Double](repeating: 0, count: group.size)
    for (index, removal) in readers {
      guard let channels = layers.channels(of: group, readBy: layers.all[index]) else { continue }
      let own = try removal.losses(channels: channels, count: group.size, workers: options.runtime.workers)
      for channel in sums.indices { sums[channel] += own[channel] }
    }
    return sums
  }

  private func stepwiseLosses(
    _ group: PruningGroup, _ readers: [(index: Int, removal: RemovalLosses)]
  ) throws(BLASError) -> [Double] {
    var systems: [GreedyRemoval.System] = []
    for (index, removal) in readers {
      guard let channels = layers.channels(of: group, readBy: layers.all[index]) else { continue }
      systems += try removal.systems(channels: channels, count: group.size)
    }
    var removal = GreedyRemoval(systems: systems, count: group.size, workers: options.runtime.workers)
    // Of wide groups several channels go between two looks.
    return try removal.losses(atOnce: max(1, group.size / 64))
  }

  /// Groups some layer reads, and these layers, so many together as the budget has memory for.
  private func partition(samples: Int) -> [(groups: [Int], layers: [Int])] {
    var (parts, bytes) = ([(groups: [Int], layers: [Int])](), Int.max)
    let costs = layers.all.indices.map { momentBytes($0, samples: samples) }
    for index in analysis.groups.indices {
      let readers = layers.readers(of: analysis.groups[index])
      guard !readers.isEmpty else { continue }
      func cost(_ readers: [Int]) -> Int { readers.reduce(0) { $0 + costs[$1] } }
      let added = parts.last.map { part in readers.filter { !part.layers.contains($0) } } ?? readers
      if parts.isEmpty || bytes + cost(added) > options.memoryBudget {
        parts.append(([index], readers))
        bytes = cost(readers)
      } else {
        parts[parts.count - 1].groups.append(index)
        parts[parts.count - 1].layers += added
        bytes += cost(added)
      }
    }
    return parts
  }

  /// Losses of all channels of a layer are alike to a few of a hundred with a part of the samples, which the repair
  /// looks at in full. A repair goes on from whole batches only.
  private func lossSamples(of data: CalibrationData) throws(TrainingError) -> CalibrationData {
    let limit = max(options.leastLossSamples, data.count / max(1, options.samplesPerLossSample))
    let whole = try data.batches(of: options.batch, for: model).first { $0.upperBound >= limit }?.upperBound
    return data.first(whole.map { $0 <= 2 * limit ? $0 : limit } ?? limit, for: model)
  }

  private func momentBytes(_ index: Int, samples: Int) -> Int {
    let form = form(of: index)
    return InputMoments.byteCount(form, rows: min(rowLimit(form), rows(of: index, samples: samples) ?? .max))
  }

  private func form(of index: Int) -> LayerForm {
    LayerForm(layers.all[index], analysis.weights[layers.all[index].weight].tensor.shape)
  }

  /// Of a layer that is wider than there is memory for, fewer rows than columns are looked at.
  private func rowLimit(_ form: LayerForm) -> Int {
    let rows = max(options.leastRows, options.rowsPerColumn * form.columns)
    guard InputMoments.byteCount(form, rows: rows) > options.memoryBudget else { return rows }
    return max(1, options.memoryBudget / max(1, InputMoments.byteCount(form, rows: 1)))
  }

  /// Positions of all samples' outputs, where they are known: those of convolutions, whose first axis is the samples.
  private func rows(of index: Int, samples: Int) -> Int? {
    let layer = layers.all[index]
    guard layer.kind != .product, let axes = analysis.axes[layer.output.index] else { return nil }
    return axes.dropFirst(2).reduce(Optional(samples)) { product, axis in
      guard let product, let size = analysis.dimensions.size(axis.dimension).known else { return nil }
      let (result, overflows) = product.multipliedReportingOverflow(by: size)
      return overflows ? nil : result
    }
  }

  private func removals(
    of indices: [Int], _ data: CalibrationData, _ outputs: inout RecordedOutputs?, _ progress: Progress
  ) throws -> [Int: RemovalLosses] {
    var moments = try inputMoments(of: indices, data, &outputs, progress)
    // Each layer is factorized by one thread, the largest ones first.
    let costs = indices.map { momentBytes($0, samples: data.count) }
    let order = indices.indices.sorted { (costs[$0], $1) > (costs[$1], $0) }
    var found = [Result<RemovalLosses, BLASError>?](repeating: nil, count: indices.count)
    moments.withUnsafeMutableBufferPointer { moments in
      found.withUnsafeMutableBufferPointer { found in
        nonisolated(unsafe) let (moments, found) = (moments, found)
        options.runtime.workers.forEach(order.count) { piece in
          let position = order[piece]
          let layer = layers.all[indices[position]]
          found[position] = Result { () throws(BLASError) in
            try RemovalLosses(
              layer, analysis.weights[layer.weight].tensor, moments[position],
              damping: options.damping ?? data.usualDamping)
          }
          // Their memory is the next one's.
          moments[position] = InputMoments(LayerForm.empty)
        }
      }
    }
    var removals: [Int: RemovalLosses] = [:]
    for (index, result) in zip(indices, found) {
      do throws(BLASError) { removals[index] = try result?.get() } catch {
        throw TrainingError(.model, "node \(layers.all[index].label): \(error)")
      }
    }
    return removals
  }

  func inputMoments(
    of indices: [Int], _ data: CalibrationData, _ outputs: inout RecordedOutputs?, _ progress: Progress
  ) throws -> [InputMoments] {
    var moments = indices.map { InputMoments(form(of: $0)) }
    let rows = zip(indices, moments).map { index, moments in
      let layer = layers.all[index]
      return LayerRows(
        layer, node: model.graph.nodes[analysis.nodes[layer.node].path.index],
        weightShape: analysis.weights[layer.weight].tensor.shape, rowLimit: rowLimit(moments.form), samples: data.count,
        seed: options.seed)
    }
    let workers = options.runtime.workers
    let values = Set(indices.map { layers.all[$0].input } + (outputs?.values ?? []))
    try ModelObservation(of: model, values: values, on: data, batch: options.batch, options: options.runtime)
      .run("measuring", progress) { value, found, samples in
        guard let start = found.floats.baseAddress else { return }
        outputs?.add(value, found, samples: samples)
        for (position, index) in indices.enumerated() where layers.all[index].input == value {
          do {
            let channels = Array(0..<found.shape[layers.all[index].channelAxis])
            let lines = try rows[position].inputs(
              start, shape: found.shape, channels: channels, samples: samples, workers: workers)
            try moments[position].add(lines, workers: workers)
          } catch {
            throw TrainingError(.model, "node \(layers.all[index].label): \(error)")
          }
        }
      }
    for (position, index) in indices.enumerated() {
      do throws(BLASError) {
        try moments[position].finish(damping: options.damping ?? data.usualDamping, workers: workers)
      } catch {
        throw TrainingError(.model, "node \(layers.all[index].label): \(error)")
      }
    }
    return moments
  }
}
