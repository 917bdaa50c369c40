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
  ///   - rounds: in so many parts the channels of a group go; the losses of those that are left are computed anew, and
  ///     layers made up for what went, in between. Single channels' losses with one.
  ///   - outputs: notes what all layers make, where they are all run at once.
  func removalLosses(
    rounds: Int, _ outputs: inout RecordedOutputs?, _ progress: Progress
  ) throws -> [DimensionID: [Double]] {
    guard let data else { return [:] }
    var losses: [DimensionID: [Double]] = [:]
    let parts = partition(samples: data.count)
    let costs = analysis.groups.map { group in
      layers.readers(of: group).reduce(0) { $0 + momentBytes($1, samples: data.count) }
    }
    if parts.count == 1 {
      outputs?.begin(
        layers.all, of: model, analysis, on: data, batches: try data.batches(of: options.batch, for: model))
    }
    for part in parts {
      let removals = try removals(of: part.layers, data, &outputs, progress)
      // As many groups at a time as keep all threads busy, the largest ones first.
      let width = 4 * options.runtime.workers.count
      let order = part.groups.sorted { (costs[$0], $1) > (costs[$1], $0) }
      for start in stride(from: 0, to: order.count, by: width) {
        let groups = order[start..<min(start + width, order.count)].map { analysis.groups[$0] }
        for (group, found) in zip(groups, removalLosses(groups, removals, rounds: rounds)) {
          do throws(BLASError) { losses[group.dimension] = try found.get() } catch {
            throw TrainingError(.model, "group \(group.id): \(error)")
          }
        }
        try progress("scoring", start + groups.count, part.groups.count)
      }
    }
    return losses
  }

  private func removalLosses(
    _ groups: [PruningGroup], _ removals: [Int: RemovalLosses], rounds: Int
  ) -> [Result<[Double], BLASError>] {
    let workers = options.runtime.workers
    var found = [Result<[Double], BLASError>](repeating: .success([]), count: groups.count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      workers.forEach(groups.count) { place in
        let group = groups[place]
        found[place] = Result { () throws(BLASError) in
          let own = groups.count < workers.count ? workers : .one
          var removal = GreedyRemoval(systems: try systems(of: group, removals, own), count: group.size, workers: own)
          return try removal.losses(atOnce: max(1, (group.size + rounds - 1) / rounds))
        }
      }
    }
    return found
  }

  /// What a layer makes wrong is passed on to all layers behind it, and comes to what they make wrong themselves: like
  /// the length of a walk of steps that know nothing of each other, it grows as the root of their number.
  private func weight(of layer: Int) -> Double { Double(layers.depths[layer]).squareRoot() }

  private func systems(
    of group: PruningGroup, _ removals: [Int: RemovalLosses], _ workers: Workers
  ) throws(BLASError) -> [any RemovalSystem] {
    var systems: [any RemovalSystem] = []
    for reader in layers.readers(of: group) {
      guard let removal = removals[reader], let channels = layers.channels(of: group, readBy: layers.all[reader])
      else { continue }
      systems += try removal.systems(
        channels: channels, count: group.size, weight: weight(of: reader), workers: workers)
    }
    return systems
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

  private func momentBytes(_ index: Int, samples: Int) -> Int {
    let form = form(of: index)
    // As many of each sample.
    let rows = (rowLimit(form) + samples - 1) / max(1, samples) * samples
    return InputMoments.byteCount(
      form, rows: min(rows, analysis.positions(of: layers.all[index], samples: samples) ?? rows))
  }

  private func form(of index: Int) -> LayerForm {
    LayerForm(layers.all[index], analysis.weights[layers.all[index].weight].tensor.shape)
  }

  /// The wider a layer is, the fewer rows are looked at; fewer still where there is no memory for them.
  private func rowLimit(_ form: LayerForm) -> Int {
    let width = max(1, form.groups * form.columns)
    let rows = max(
      options.leastRows, min(options.rowElements / width, options.rowProducts / width / max(1, form.columns)))
    guard InputMoments.byteCount(form, rows: rows) > options.memoryBudget else { return rows }
    return max(1, options.memoryBudget / max(1, InputMoments.byteCount(form, rows: 1)))
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

extension ModelAnalysis {
  /// Positions of all samples' outputs, where they are known: those of convolutions, whose first axis is the samples.
  func positions(of layer: LinearLayer, samples: Int) -> Int? {
    guard layer.kind != .product, let axes = axes[layer.output.index] else { return nil }
    return axes.dropFirst(2).reduce(Optional(samples)) { product, axis in
      guard let product, let size = dimensions.size(axis.dimension).known else { return nil }
      let (result, overflows) = product.multipliedReportingOverflow(by: size)
      return overflows ? nil : result
    }
  }
}
