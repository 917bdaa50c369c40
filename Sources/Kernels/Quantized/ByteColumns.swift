/// A window that slides over the spatial axes of a tensor of bytes.
public struct ByteWindow: Sendable {
  public var kernel: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  /// Padding before each axis.
  public var before: [Int]
  public var input: [Int]
  public var output: [Int]

  public init(
    kernel: [Int], strides: [Int], dilations: [Int], before: [Int], input: [Int], output: [Int]
  ) {
    (self.kernel, self.strides, self.dilations) = (kernel, strides, dilations)
    (self.before, self.input, self.output) = (before, input, output)
  }

  public var taps: Int { kernel.reduce(1, *) }
  public var positions: Int { output.reduce(1, *) }

  /// The digits of an index over `sizes`, row-major.
  static func digits(_ index: Int, _ sizes: [Int]) -> [Int] {
    var rest = index
    var digits = [Int](repeating: 0, count: sizes.count)
    for axis in sizes.indices.reversed() {
      digits[axis] = rest % sizes[axis]
      rest /= sizes[axis]
    }
    return digits
  }
}

/// Bytes under windows as columns of a matrix of floats, less their zero point; padding is zero.
public enum ByteColumns {
  /// Writes a row for each channel and tap, a column for each position of the window.
  /// - Parameters:
  ///   - channelStride: elements between channels.
  ///   - pixelStride: elements between spatial neighbours.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func gather<Q: QuantizedInteger>(
    _ x: UnsafePointer<Q>, channels: Int, channelStride: Int, pixelStride: Int, window: ByteWindow, zero: Int32,
    _ columns: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    let (taps, positions) = (window.taps, window.positions)
    workers.forEachRange(of: channels * taps, grain: max(1, 16_384 / max(1, positions))) { range in
      for row in range {
        gatherRow(
          x + row / taps * channelStride, pixelStride, window, ByteWindow.digits(row % taps, window.kernel), zero,
          columns + row * positions)
      }
    }
  }

  private static func gatherRow<Q: QuantizedInteger>(
    _ x: UnsafePointer<Q>, _ pixelStride: Int, _ window: ByteWindow, _ tap: [Int], _ zero: Int32,
    _ row: UnsafeMutablePointer<Float>
  ) {
    let last = window.output.count - 1
    let width = window.output[last]
    let leading = Array(window.output.dropLast())
    let (step, size) = (window.strides[last], window.input[last])
    let first = tap[last] * window.dilations[last] - window.before[last]
    for line in 0..<leading.reduce(1, *) {
      let into = row + line * width
      guard let base = lineStart(window, tap, ByteWindow.digits(line, leading)) else {
        into.update(repeating: 0, count: width)
        continue
      }
      for column in 0..<width {
        let position = first + column * step
        into[column] =
          position >= 0 && position < size
          ? Float(Int32(truncatingIfNeeded: x[(base + position) * pixelStride]) &- zero) : 0
      }
    }
  }

  /// The first pixel of the line a tap reads; `nil` in the padding.
  private static func lineStart(_ window: ByteWindow, _ tap: [Int], _ line: [Int]) -> Int? {
    var base = 0
    for axis in line.indices {
      let position = line[axis] * window.strides[axis] + tap[axis] * window.dilations[axis] - window.before[axis]
      guard position >= 0, position < window.input[axis] else { return nil }
      base = base * window.input[axis] + position
    }
    return base * window.input[line.count]
  }
}
