import Glibc

/// Normalization of groups of channels that come last, or second.
public enum LastChannels {
  /// Where channels and pixels of a sample lie.
  public struct Layout: Sendable {
    public let channels: Int
    public let pixels: Int
    public let groups: Int
    public let channelStride: Int
    public let pixelStride: Int

    public init(channels: Int, pixels: Int, groups: Int, isLast: Bool) {
      (self.channels, self.pixels, self.groups) = (channels, pixels, groups)
      (channelStride, pixelStride) = isLast ? (1, channels) : (pixels, 1)
    }
  }

  /// y = (x − mean)/√(variance + epsilon)·scale + shift by group, then x·σ(x) where asked for.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func normalize<T: Real>(
    _ x: UnsafePointer<T>, scale: UnsafePointer<T>, shift: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    samples: Int, layout: Layout, epsilon: Double, isActivated: Bool, workers: Workers
  ) {
    workers.forEachRange(of: samples * layout.groups, grain: 1) { range in
      for unit in range {
        let own = layout.channels / layout.groups
        let first = unit % layout.groups * own
        let start = unit / layout.groups * layout.channels * layout.pixels + first * layout.channelStride
        group(
          x + start, scale + first, shift + first, y + start, own, layout, epsilon, isActivated)
      }
    }
  }

  private static func group<T: Real>(
    _ x: UnsafePointer<T>, _ scale: UnsafePointer<T>, _ shift: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    _ channels: Int, _ layout: Layout, _ epsilon: Double, _ isActivated: Bool
  ) {
    var (sum, squares) = (0.0, 0.0)
    for pixel in 0..<layout.pixels {
      for channel in 0..<channels {
        let value = Double(x[pixel * layout.pixelStride + channel * layout.channelStride])
        sum += value
        squares += value * value
      }
    }
    let count = Double(layout.pixels * channels)
    let mean = sum / count
    let inverse = 1 / (max(0, squares / count - mean * mean) + epsilon).squareRoot()
    for pixel in 0..<layout.pixels {
      for channel in 0..<channels {
        let place = pixel * layout.pixelStride + channel * layout.channelStride
        let value = (x[place] - T(mean)) * T(inverse) * scale[channel] + shift[channel]
        y[place] = isActivated ? value / (1 + T(exp(-Double(value)))) : value
      }
    }
  }
}
