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
  /// By the group's dimension: for each channel what its removal adds to the errors of the layers that read it, each
  /// as a share of what the layer's outputs vary, times the root of the layers behind it.
  public var removalLosses: [DimensionID: [Double]] = [:]
  /// The same for channels that go one after the other.
  public var stepwiseLosses: [DimensionID: [Double]] = [:]
  /// By the group's dimension: how much its scores count beside those of other groups; 1 where nothing is said.
  public var groupWeights: [DimensionID: Double] = [:]

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
