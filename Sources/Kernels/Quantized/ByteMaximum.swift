/// Maxima of bytes under a window, channels last.
public enum ByteMaximum {
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func pool<Q: QuantizedInteger>(
    _ x: UnsafePointer<Q>, _ y: UnsafeMutablePointer<Q>, channels: Int, window: ByteWindow, workers: Workers
  ) {
    let grain = max(1, 16_384 / max(1, channels * window.taps))
    workers.forEachRange(of: window.positions, grain: grain) { range in
      for position in range {
        let into = y + position * channels
        into.update(repeating: Q.min, count: channels)
        let place = ByteWindow.digits(position, window.output)
        for tap in 0..<window.taps {
          guard let pixel = pixel(window, place, ByteWindow.digits(tap, window.kernel)) else { continue }
          let from = x + pixel * channels
          for channel in 0..<channels { into[channel] = max(into[channel], from[channel]) }
        }
      }
    }
  }

  private static func pixel(_ window: ByteWindow, _ place: [Int], _ tap: [Int]) -> Int? {
    var pixel = 0
    for axis in place.indices {
      let index = place[axis] * window.strides[axis] + tap[axis] * window.dilations[axis] - window.before[axis]
      guard index >= 0, index < window.input[axis] else { return nil }
      pixel = pixel * window.input[axis] + index
    }
    return pixel
  }
}
