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
  /// of the layer's matrix makes up for the channel as well as it can.
  func removalLosses(_ progress: Progress) throws -> [Int: [DimensionID: [Double]]] {
    guard let data else { return [:] }
    var losses: [Int: [DimensionID: [Double]]] = [:]
    let groups = analysis.groups
    let readers = layers.all.indices.filter { index in
      !layers.all[index].isDepthwise && groups.contains { layers.channels(of: $0, readBy: layers.all[index]) != nil }
    }
    for part in partition(readers) {
      let moments = try inputMoments(of: part, data, progress)
      for (index, moments) in zip(part, moments) {
        let layer = layers.all[index]
        do throws(BLASError) {
          let removal = try RemovalLosses(layer, analysis.weights[layer.weight].tensor, moments, damping: options.damping)
          for group in groups {
            guard let channels = layers.channels(of: group, readBy: layer) else { continue }
            losses[index, default: [:]][group.dimension] = try removal.losses(
              channels: channels, count: group.size, workers: options.runtime.workers)
          }
        } catch {
          throw TrainingError(.model, "node \(layer.label): \(error)")
        }
      }
    }
    return losses
  }

  /// As many layers at a time as the budget has memory for.
  private func partition(_ indices: [Int]) -> [[Int]] {
    var (parts, bytes) = ([[Int]](), Int.max)
    for index in indices {
      let shape = LayerForm(layers.all[index], analysis.weights[layers.all[index].weight].tensor.shape)
      let own = LayerMoments.byteCount(groups: shape.groups, columns: shape.columns, rows: 0)
      if parts.isEmpty || bytes + own > options.memoryBudget {
        parts.append([])
        bytes = 0
      }
      parts[parts.count - 1].append(index)
      bytes += own
    }
    return parts
  }

  private func inputMoments(
    of indices: [Int], _ data: CalibrationData, _ progress: Progress
  ) throws -> [LayerMoments] {
    let forms = indices.map { LayerForm(layers.all[$0], analysis.weights[layers.all[$0].weight].tensor.shape) }
    var moments = forms.map { LayerMoments(groups: $0.groups, columns: $0.columns, rows: 0) }
    let rows = zip(indices, forms).map { index, form in
      let layer = layers.all[index]
      return LayerRows(
        layer, node: model.graph.nodes[analysis.nodes[layer.node].path.index],
        weightShape: analysis.weights[layer.weight].tensor.shape,
        rowLimit: max(options.leastRows, options.rowsPerColumn * form.columns), samples: data.count, seed: options.seed)
    }
    var failure: (any Error)?
    let session: Session
    do throws(RuntimeError) {
      session = try Session(
        model, observing: Set(indices.map { layers.all[$0].input }), options: options.runtime)
    } catch {
      throw TrainingError(error)
    }
    for range in data.batches(of: options.batch) {
      let inputs = try data.samples(range).inputs
      let observe = { (value: ValueID, found: Observation) in
        guard failure == nil, let start = found.floats.baseAddress else { return }
        for (position, index) in indices.enumerated() where layers.all[index].input == value {
          do {
            let channels = Array(0..<found.shape[layers.all[index].channelAxis])
            let lines = try rows[position].inputs(
              start, shape: found.shape, channels: channels, first: range.lowerBound)
            try moments[position].add(lines, [], workers: options.runtime.workers)
          } catch { failure = TrainingError(.model, "node \(layers.all[index].label): \(error)") }
        }
      }
      do throws(RuntimeError) { try session.run(inputs, observe: observe) } catch { throw TrainingError(error) }
      if let failure { throw failure }
      try progress("measuring", range.upperBound, data.count)
    }
    return moments
  }
}

/// The sizes of one group's matrix.
struct LayerForm {
  let groups: Int
  let rows: Int
  let columns: Int
  /// Columns of one input channel.
  let window: Int

  init(_ layer: LinearLayer, _ weight: [Int]) {
    groups = layer.groups
    rows = weight[layer.rowAxis] / groups
    window = layer.kind == .convolution ? weight.dropFirst(2).reduce(1, *) : 1
    columns = weight[layer.columnAxis] * window
  }
}
