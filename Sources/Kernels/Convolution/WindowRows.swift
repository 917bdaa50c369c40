/// What a convolution multiplies its matrix with: for chosen output positions the window each of them sees.
public struct WindowRows: Sendable {
  /// Spatial sizes of the input and the output.
  public let input: [Int]
  public let output: [Int]
  public let kernel: [Int]
  public let strides: [Int]
  public let dilations: [Int]
  /// Padding before each spatial axis.
  public let padding: [Int]

  public init(
    input: [Int], output: [Int], kernel: [Int], strides: [Int], dilations: [Int], padding: [Int]
  ) {
    self.input = input
    self.output = output
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
  }

  /// Elements of a window of one channel.
  public var windowCount: Int { kernel.reduce(1, *) }

  /// Output positions of one sample.
  public var positionCount: Int { output.reduce(1, *) }

  private var planeCount: Int { input.reduce(1, *) }

  /// For each element of the kernel, what it sees of a plane at an output position; −1 in the padding.
  private func places(at position: Int) -> [Int] {
    var corner = [Int](repeating: 0, count: output.count)
    var rest = position
    for axis in output.indices.reversed() {
      corner[axis] = rest % output[axis] * strides[axis] - padding[axis]
      rest /= output[axis]
    }
    var places = [0]
    for axis in kernel.indices {
      var next: [Int] = []
      next.reserveCapacity(places.count * kernel[axis])
      for place in places {
        for step in 0..<kernel[axis] {
          let at = corner[axis] + step * dilations[axis]
          next.append(place < 0 || at < 0 || at >= input[axis] ? -1 : place * input[axis] + at)
        }
      }
      places = next
    }
    return places
  }

  /// Writes one row for each position of a sample: for each channel in order the elements of its window.
  ///
  /// - Parameters:
  ///   - sample: planes of channels, one after the other.
  ///   - channels: those to take, in this order.
  ///   - target: `positions.count` rows of `channels.count · windowCount` numbers.
  public func write(
    _ sample: UnsafePointer<Float>, channels: [Int], positions: [Int], to target: UnsafeMutablePointer<Float>
  ) {
    let (plane, window) = (planeCount, windowCount)
    let width = channels.count * window
    for (row, position) in positions.enumerated() {
      let places = places(at: position)
      let line = target + row * width
      places.withUnsafeBufferPointer { places in
        for (index, channel) in channels.enumerated() {
          let (source, cells) = (sample + channel * plane, line + index * window)
          for element in 0..<window {
            let place = places[element]
            cells[element] = place < 0 ? 0 : source[place]
          }
        }
      }
    }
  }
}
