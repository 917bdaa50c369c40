/// Sums over all but the second axis: the gradient of a bias.
public enum ChannelSums {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func sum<T: Real>(
    _ input: UnsafePointer<T>, batch: Int, channels: Int, count: Int, _ output: UnsafeMutablePointer<T>,
    _ workers: Workers
  ) {
    workers.forEachRange(of: channels, grain: max(1, 65_536 / max(1, batch * count))) { range in
      for channel in range {
        var total: T = 0
        for image in 0..<batch { total += sum(input + (image * channels + channel) * count, count) }
        output[channel] = total
      }
    }
  }

  @inline(__always)
  private static func sum<T: Real>(_ run: UnsafePointer<T>, _ count: Int) -> T {
    var (first, second) = (SIMD8<T>(), SIMD8<T>())
    var index = 0
    while index + 16 <= count {
      first += Runs.load(run + index, SIMD8<T>.self)
      second += Runs.load(run + (index + 8), SIMD8<T>.self)
      index += 16
    }
    var total = (first + second).sum()
    while index < count {
      total += run[index]
      index += 1
    }
    return total
  }
}
