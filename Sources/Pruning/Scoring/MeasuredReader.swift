import Analysis
import Kernels

/// A linear layer that reads the channels of a group, and what was measured of them where it reads them.
struct MeasuredReader {
  let layer: LinearLayer
  let statistics: ChannelStatistics
  /// The channel of the group that each channel the layer reads belongs to, −1 where it belongs to none. A head owns as
  /// many as it is wide, a flattened channel as many as it has positions.
  let channels: [Int32]

  /// For each of the group's channels the sum of a term over all channels the layer reads that belong to it.
  func sums(_ count: Int, of term: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for (channel, value) in zip(channels, term) where channel >= 0 { sums[Int(channel)] += value }
    return sums
  }

  /// For each of the group's channels the mean of a term over all channels the layer reads that belong to it.
  func means(_ count: Int, of term: [Double]) -> [Double] {
    let owned = sums(count, of: [Double](repeating: 1, count: channels.count))
    return zip(sums(count, of: term), owned).map { $1 > 0 ? $0 / $1 : 0 }
  }
}

extension ScoringContext {
  /// The layers that read a group and whose inputs were measured, in the order of the model.
  func measuredReaders(of group: PruningGroup) -> [MeasuredReader] {
    guard let layers = evidence.layers else { return [] }
    return layers.readers(of: group).compactMap { index in
      let layer = layers.all[index]
      guard let statistics = evidence.inputs[index], let channels = layers.channels(of: group, readBy: layer),
        statistics.mean.count == channels.count
      else { return nil }
      return MeasuredReader(layer: layer, statistics: statistics, channels: channels)
    }
  }

  /// The scores of a group that a criterion of readers' inputs cannot score, which the user is told.
  func scoresWithoutReaders(of group: PruningGroup, for criterion: any Criterion) throws -> [Float] {
    noteFallback(group, "\(criterion.name): no measured layer reads it, scored by l2")
    return try Magnitude(power: .square).scores(for: group, in: self)
  }

  /// For each channel a layer reads, the sum of |w| or w² over the weights that multiply it, all elements of a kernel
  /// and all rows of its convolution group.
  func columnSums(of layer: LinearLayer, _ power: SliceSums.Power) -> [Double] {
    guard layer.groups > 1 else { return sliceSums(of: layer.weight, power)[layer.columnAxis] }
    let tensor = analysis.weights[layer.weight].tensor
    var shape = tensor.shape
    // The first axis runs over all groups, so that what one of them has lies together.
    shape[0] /= layer.groups
    let sums = tensor.withWeights { elements -> [Double] in
      let size = elements.count / layer.groups
      return (0..<layer.groups).flatMap { group -> [Double] in
        let own = UnsafeRawBufferPointer(rebasing: elements[(group * size)..<((group + 1) * size)])
        return SliceSums.sums(of: own, shape: shape, power: power)[layer.columnAxis]
      }
    }
    guard let sums else { return [Double](repeating: 0, count: layer.groups * shape[layer.columnAxis]) }
    if sums.contains(where: { !$0.isFinite }) { noteNonFinite(layer.weight) }
    return sums
  }

  /// The rows of a layer's matrix; of a convolution in groups, those of one group.
  func rowCount(of layer: LinearLayer) -> Int {
    var shape = analysis.weights[layer.weight].tensor.shape
    shape[0] /= layer.groups
    return max(1, shape[layer.rowAxis])
  }
}
