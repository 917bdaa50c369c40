import IR
import Kernels
import Pruning
import Runtime
import Training

extension Measuring {
  /// What the channels are like that each linear layer reads, by index into its layers.
  ///
  /// Values are looked at while the model runs, and one that several layers read once for all of them. Layers that read
  /// constants only are left out, as are those that no output needs.
  func inputStatistics(_ progress: Progress) throws -> [Int: ChannelStatistics] {
    guard let data, !layers.all.isEmpty else { return [:] }
    let places = Dictionary(grouping: Set(layers.all.map { ChannelPlace($0) }), by: \.value)
    var moments: [ChannelPlace: ChannelMoments] = [:]
    try ModelObservation(
      of: model, values: Set(places.keys), on: data, batch: options.batch, options: options.runtime
    ).run("inputs of layers", progress) { value, found, _ in
      for place in places[value] ?? [] {
        moments[place].add(found, axis: place.axis, workers: options.runtime.workers)
      }
    }
    var statistics: [Int: ChannelStatistics] = [:]
    for (index, layer) in layers.all.enumerated() {
      statistics[index] = moments[ChannelPlace(layer)].map { ChannelStatistics($0) }
    }
    return statistics
  }
}

/// The channels of a value: two layers may read different axes of one.
private struct ChannelPlace: Hashable {
  let value: ValueID
  let axis: Int

  init(_ layer: LinearLayer) {
    value = layer.input
    axis = layer.channelAxis
  }
}

extension ChannelStatistics {
  fileprivate init(_ moments: ChannelMoments) {
    let count = Double(max(1, moments.count))
    self.init(
      count: moments.count, mean: moments.sums.map { $0 / count },
      meanMagnitude: moments.magnitudes.map { $0 / count }, meanSquare: moments.squares.map { $0 / count },
      zeroShare: moments.zeros.map { $0 / count })
  }
}
