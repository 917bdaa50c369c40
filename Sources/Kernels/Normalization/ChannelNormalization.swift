/// Batch normalization over tensors of batch × channels × positions: channels are divided among workers, each takes two
/// passes over memory.
public enum ChannelNormalization {
  /// How elements of a channel lie: `batch` rows of `inner` neighbours.
  public struct Layout: Sendable {
    public let batch: Int
    public let channels: Int
    public let inner: Int

    public init(batch: Int, channels: Int, inner: Int) {
      self.batch = batch
      self.channels = channels
      self.inner = inner
    }

    /// Elements of one channel.
    public var count: Int { batch * inner }

    /// Channels worth handing to a thread at once.
    var grain: Int { max(1, 32_768 / max(1, count)) }

    @inline(__always)
    func row(_ sample: Int, _ channel: Int) -> Int { (sample * channels + channel) * inner }
  }

  /// What is applied to the normalized numbers in the same pass.
  public enum Activation: Sendable {
    case none, relu, clip6
  }

  /// Scale and shift of each channel, and its statistics so far.
  public struct Parameters<T: Real> {
    public let scale: UnsafePointer<T>
    public let bias: UnsafePointer<T>
    public let mean: UnsafePointer<T>
    public let variance: UnsafePointer<T>

    public init(
      scale: UnsafePointer<T>, bias: UnsafePointer<T>, mean: UnsafePointer<T>, variance: UnsafePointer<T>
    ) {
      self.scale = scale
      self.bias = bias
      self.mean = mean
      self.variance = variance
    }
  }

  /// What training finds of each channel, where it is asked for.
  public struct Statistics<T: Real> {
    public let runningMean: UnsafeMutablePointer<T>?
    public let runningVariance: UnsafeMutablePointer<T>?
    public let batchMean: UnsafeMutablePointer<T>?
    public let inverseDeviation: UnsafeMutablePointer<T>?

    public init(
      runningMean: UnsafeMutablePointer<T>?, runningVariance: UnsafeMutablePointer<T>?,
      batchMean: UnsafeMutablePointer<T>?, inverseDeviation: UnsafeMutablePointer<T>?
    ) {
      self.runningMean = runningMean
      self.runningVariance = runningVariance
      self.batchMean = batchMean
      self.inverseDeviation = inverseDeviation
    }
  }

  /// y ← (x − mean)·scale/√(variance + ε) + bias with given statistics. `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ parameters: Parameters<T>, epsilon: Double, _ y: UnsafeMutablePointer<T>,
    _ layout: Layout, workers: Workers
  ) {
    let rows = layout.batch * layout.channels
    workers.forEachRange(of: rows, grain: max(1, 65_536 / max(1, layout.inner))) { range in
      for row in range {
        let channel = row % layout.channels
        let factor = Double(parameters.scale[channel]) / (Double(parameters.variance[channel]) + epsilon).squareRoot()
        transform(
          x + row * layout.inner, y + row * layout.inner, layout.inner, center: parameters.mean[channel],
          factor: T(factor), shift: parameters.bias[channel], .none)
      }
    }
  }

  /// The same with the statistics of the batch itself, which move the running ones: new ← momentum·old +
  /// (1 − momentum)·batch. The running variance takes the unbiased estimate, as PyTorch does, or the plain one, as ONNX
  /// does.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func train<T: Real>(
    _ x: UnsafePointer<T>, _ parameters: Parameters<T>, epsilon: Double, momentum: Double, isUnbiased: Bool,
    _ activation: Activation, _ y: UnsafeMutablePointer<T>, _ statistics: Statistics<T>, _ layout: Layout,
    workers: Workers
  ) {
    let count = Double(layout.count)
    workers.forEachRange(of: layout.channels, grain: layout.grain) { range in
      for channel in range {
        let (mean, variance) = moments(x, channel, layout)
        let inverse = 1 / (variance + epsilon).squareRoot()
        let estimate = isUnbiased && count > 1 ? variance * count / (count - 1) : variance
        statistics.runningMean?[channel] = T(
          momentum * Double(parameters.mean[channel]) + (1 - momentum) * mean)
        statistics.runningVariance?[channel] = T(
          momentum * Double(parameters.variance[channel]) + (1 - momentum) * estimate)
        statistics.batchMean?[channel] = T(mean)
        statistics.inverseDeviation?[channel] = T(inverse)
        let factor = T(Double(parameters.scale[channel]) * inverse)
        for sample in 0..<layout.batch {
          let row = layout.row(sample, channel)
          transform(
            x + row, y + row, layout.inner, center: T(mean), factor: factor, shift: parameters.bias[channel],
            activation)
        }
      }
    }
  }

  /// Mean and variance of a channel in one pass: sums of distances from the mean of its first row lose nothing to
  /// cancellation however far from zero the channel is.
  private static func moments<T: Real>(
    _ x: UnsafePointer<T>, _ channel: Int, _ layout: Layout
  ) -> (mean: Double, variance: Double) {
    guard layout.count > 0 else { return (0, 0) }
    let center = T(RowSums.sum(of: x + layout.row(0, channel), count: layout.inner) / Double(layout.inner))
    var (sum, squares) = (0.0, 0.0)
    var (sumLanes, squareLanes) = (SIMD8<T>(), SIMD8<T>())
    var pending = 0
    for sample in 0..<layout.batch {
      let row = x + layout.row(sample, channel)
      var start = 0
      while start < layout.inner {
        let count = min(RowSums.block, layout.inner - start)
        addMoments(row + start, count, center, &sumLanes, &squareLanes)
        start += count
        pending += count
        guard pending >= RowSums.block else { continue }
        sum += Double(sumLanes.sum())
        squares += Double(squareLanes.sum())
        (sumLanes, squareLanes) = (SIMD8(), SIMD8())
        pending = 0
      }
    }
    sum += Double(sumLanes.sum())
    squares += Double(squareLanes.sum())
    let offset = sum / Double(layout.count)
    return (Double(center) + offset, max(0, squares / Double(layout.count) - offset * offset))
  }

  @inline(__always)
  private static func addMoments<T: Real>(
    _ row: UnsafePointer<T>, _ count: Int, _ center: T, _ sum: inout SIMD8<T>, _ squares: inout SIMD8<T>
  ) {
    let centers = SIMD8(repeating: center)
    var (sum1, squares1, sum2, squares2) = (sum, squares, SIMD8<T>(), SIMD8<T>())
    var index = 0
    while index + 16 <= count {
      let a = RowSums.load(row, index) - centers
      let b = RowSums.load(row, index + 8) - centers
      sum1 += a
      squares1 += a * a
      sum2 += b
      squares2 += b * b
      index += 16
    }
    while index + 8 <= count {
      let a = RowSums.load(row, index) - centers
      sum1 += a
      squares1 += a * a
      index += 8
    }
    while index < count {
      let a = row[index] - center
      sum1[0] += a
      squares1[0] += a * a
      index += 1
    }
    sum = sum1 + sum2
    squares = squares1 + squares2
  }

  /// y ← activation((x − center)·factor + shift).
  @inline(__always)
  static func transform<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, center: T, factor: T, shift: T,
    _ activation: Activation
  ) {
    let (centers, factors) = (SIMD8(repeating: center), SIMD8(repeating: factor))
    let shifts = SIMD8(repeating: shift)
    let (zero, six) = (SIMD8<T>(), SIMD8<T>(repeating: 6))
    var index = 0
    switch activation {
    case .none:
      while index + 8 <= count {
        RowSums.store((RowSums.load(x, index) - centers) * factors + shifts, y, index)
        index += 8
      }
    case .relu:
      while index + 8 <= count {
        let value = (RowSums.load(x, index) - centers) * factors + shifts
        RowSums.store(RowSums.select(zero, value, where: zero, exceeds: value), y, index)
        index += 8
      }
    case .clip6:
      while index + 8 <= count {
        let value = (RowSums.load(x, index) - centers) * factors + shifts
        let positive = RowSums.select(zero, value, where: zero, exceeds: value)
        RowSums.store(RowSums.select(six, positive, where: positive, exceeds: six), y, index)
        index += 8
      }
    }
    while index < count {
      let value = (x[index] - center) * factor + shift
      switch activation {
      case .none: y[index] = value
      case .relu: y[index] = value < 0 ? 0 : value
      case .clip6: y[index] = value < 0 ? 0 : (value > 6 ? 6 : value)
      }
      index += 1
    }
  }
}
