import Analysis
import IR
import Pruning
import Runtime

/// What the linear layers of a model make of all samples, noted while these are run for scores: a repair does not run
/// them again then.
///
/// ```swift
/// var outputs: RecordedOutputs? = RecordedOutputs(for: repairing)
/// let evidence = try Measuring(model, analysis, data: data).evidence(for: OBSPA(), recording: &outputs)
/// let repaired = try Repair(of: model, analysis, keep: keep, options: repairing)(pruned, on: data, outputs: outputs)
/// ```
public struct RecordedOutputs {
  private let options: Repair.Options
  /// The batches that were run.
  private(set) var batches: [Range<Int>] = []
  /// By what a layer makes.
  private var layers: [ValueID: Layer] = [:]

  private struct Layer {
    let rows: LayerRows
    let channelAxis: Int
    var channels = 0
    /// Rows of all channels, for each batch.
    var batches: [[Float]] = []
  }

  /// - Parameter options: of the repair.
  public init(for options: Repair.Options) { self.options = options }

  /// What layers make, of those that are noted.
  var values: [ValueID] { layers.keys.sorted() }

  /// Notes nothing where the batches are no batches of the repair's, or there is no memory for it.
  /// - Parameters:
  ///   - data: all samples.
  ///   - batches: those that are run.
  mutating func begin(
    _ all: [LinearLayer], of model: Model, _ analysis: ModelAnalysis, on data: CalibrationData, batches: [Range<Int>]
  ) {
    (self.batches, layers) = ([], [:])
    guard let ranges = try? data.batches(of: options.batch, for: model), ranges == batches,
      all.reduce(0, { $0 + byteCount($1, analysis, batches, of: data) }) <= options.memoryBudget / 2
    else { return }
    self.batches = batches
    for layer in all {
      let rows = LayerRows(
        layer, node: model.graph.nodes[analysis.nodes[layer.node].path.index],
        weightShape: analysis.weights[layer.weight].tensor.shape, rowLimit: options.rowLimit(layer, analysis),
        samples: data.count, seed: options.seed)
      layers[layer.output] = Layer(rows: rows, channelAxis: layer.channelAxis)
    }
  }

  /// At most.
  private func byteCount(
    _ layer: LinearLayer, _ analysis: ModelAnalysis, _ batches: [Range<Int>], of data: CalibrationData
  ) -> Int {
    let form = LayerForm(layer, analysis.weights[layer.weight].tensor.shape)
    let (samples, all) = (batches.last?.upperBound ?? 0, max(1, data.count))
    let rows = ((options.rowLimit(layer, analysis) + all - 1) / all) * samples
    return min(rows, analysis.positions(of: layer, samples: samples) ?? rows) * form.groups * form.rows
      * MemoryLayout<Float>.size
  }

  /// Notes what a layer made of a batch.
  mutating func add(_ value: ValueID, _ found: Observation, samples: Range<Int>) {
    guard var layer = layers.removeValue(forKey: value), let start = found.floats.baseAddress,
      found.shape.indices.contains(layer.channelAxis)
    else { return }
    layer.channels = found.shape[layer.channelAxis]
    layer.batches.append(
      layer.rows.outputs(
        start, shape: found.shape, channels: Array(0..<layer.channels), samples: samples,
        workers: options.runtime.workers))
    layers[value] = layer
  }

  /// Gives away what a layer made, for each batch.
  /// - Parameters:
  ///   - rows: those that are wanted.
  ///   - channels: likewise.
  /// - Returns: `nil` where they are not what was noted.
  mutating func take(_ value: ValueID, _ rows: LayerRows, channels: [Int]) -> [[Float]]? {
    guard let layer = layers.removeValue(forKey: value), layer.rows.looksWhere(rows),
      layer.batches.count == batches.count, channels.allSatisfy({ $0 < layer.channels })
    else { return nil }
    var kept = [[Float]](repeating: [], count: layer.batches.count)
    kept.withUnsafeMutableBufferPointer { kept in
      nonisolated(unsafe) let kept = kept
      options.runtime.workers.forEach(kept.count) { batch in
        kept[batch] = layer.batches[batch].columns(channels, of: layer.channels)
      }
    }
    return kept
  }
}

extension [Float] {
  /// Some columns of a row-major matrix.
  fileprivate func columns(_ columns: [Int], of width: Int) -> [Float] {
    let lines = width == 0 ? 0 : count / width
    return withUnsafeBufferPointer { values in
      [Float](unsafeUninitializedCapacity: lines * columns.count) { kept, count in
        count = lines * columns.count
        columns.withUnsafeBufferPointer { columns in
          for line in 0..<lines {
            let (from, to) = (line * width, line * columns.count)
            for place in columns.indices { kept[to + place] = values[from + columns[place]] }
          }
        }
      }
    }
  }
}
