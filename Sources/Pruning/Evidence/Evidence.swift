import Analysis
import Dimensions
import IR

/// What running a model told, for criteria to score by.
public struct Evidence: Sendable {
  /// The linear layers of the model that was measured.
  public var layers: LinearLayers?
  /// For each weight of the analysis one number an element, in single precision and the weight's shape; `nil` where
  /// nothing was measured of it.
  public var elements: [Measurement: [Tensor?]] = [:]
  /// By index into ``LinearLayers/all``.
  public var inputs: [Int: ChannelStatistics] = [:]
  /// By index into ``LinearLayers/all``, and the group's dimension: one number a channel of the group.
  public var removalLosses: [Int: [DimensionID: [Double]]] = [:]

  public init() {}

  public static let none = Evidence()
}

/// What the channels are like that a linear layer reads, over all samples and positions.
public struct ChannelStatistics: Sendable {
  /// Values seen of each channel.
  public var count: Int
  public var mean: [Double]
  public var meanMagnitude: [Double]
  public var meanSquare: [Double]
  /// The share of values that are exactly zero.
  public var zeroShare: [Double]

  public init(count: Int, mean: [Double], meanMagnitude: [Double], meanSquare: [Double], zeroShare: [Double]) {
    self.count = count
    self.mean = mean
    self.meanMagnitude = meanMagnitude
    self.meanSquare = meanSquare
    self.zeroShare = zeroShare
  }

  /// The variance of each channel, over all values.
  public var variance: [Double] { zip(meanSquare, mean).map { max(0, $0 - $1 * $1) } }
}
