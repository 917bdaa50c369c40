/// What a convolution multiplies its matrix with: for chosen output positions the window each of them sees.
///
/// A transposed convolution is one over an input whose elements lie a stride apart, with zeros between them, and of a
/// kernel that runs backwards.
public struct WindowRows: Sendable {
  /// Spatial sizes of the input and the output.
  public let input: [Int]
  public let output: [Int]
  public let kernel: [Int]
  public let strides: [Int]
  /// From one element of the kernel to the next; negative where it runs backwards.
  public let dilations: [Int]
  /// Padding before each spatial axis; negative where that many elements are left out.
  public let padding: [Int]
  /// How far apart the input's elements lie, with zeros between them.
  public let inputDilations: [Int]

  public init(
    input: [Int], output: [Int], kernel: [Int], strides: [Int], dilations: [Int], padding: [Int],
    inputDilations: [Int]
  ) {
    self.input = input
    self.output = output
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.inputDilations = inputDilations
  }

  /// Elements of a window of one channel.
  public var windowCount: Int { kernel.reduce(1, *) }

  /// Output positions of one sample.
  public var positionCount: Int { output.reduce(1, *) }

  private var planeCount: Int { input.reduce(1, *) }

  /// What an element of the kernel sees of a plane at an output position; −1 where that is a zero.
  private func place(of element: Int, at position: Int) -> Int {
    var (element, position) = (element, position)
    var (place, size) = (0, 1)
    for axis in kernel.indices.reversed() {
      let corner = position % output[axis] * strides[axis] - padding[axis]
      let coordinate = corner + element % kernel[axis] * dilations[axis]
      let (found, rest) = coordinate.quotientAndRemainder(dividingBy: inputDilations[axis])
      guard coordinate >= 0, rest == 0, found < input[axis] else { return -1 }
      place += found * size
      size *= input[axis]
      position /= output[axis]
      element /= kernel[axis]
    }
    return place
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
    let window = windowCount
    let places = positions.flatMap { position in (0..<window).map { place(of: $0, at: position) } }
    Self.write(sample, plane: planeCount, channels: channels, places: places, window: window, to: target)
  }

  /// Writes rows of what is at given places of planes.
  ///
  /// - Parameters:
  ///   - sample: planes of channels, one after the other.
  ///   - plane: elements of each.
  ///   - channels: those to take, in this order.
  ///   - places: `window` of a plane for each row, −1 for zeros.
  ///   - target: rows of `channels.count · window` numbers.
  public static func write(
    _ sample: UnsafePointer<Float>, plane: Int, channels: [Int], places: [Int], window: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    guard window > 0 else { return }
    let (rows, width) = (places.count / window, channels.count * window)
    let isInside = (0..<rows).map { row in (0..<window).allSatisfy { places[row * window + $0] >= 0 } }
    places.withUnsafeBufferPointer { places in
      // Planes are read for all rows before the next ones: they stay near, and so do the cells of a row.
      for first in stride(from: 0, to: channels.count, by: block) {
        let block = first..<min(first + block, channels.count)
        for row in 0..<rows {
          let own = row * window
          var cells = target + (row * width + first * window)
          for index in block {
            let source = sample + channels[index] * plane
            if isInside[row] {
              for element in 0..<window { cells[element] = source[places[own + element]] }
            } else {
              for element in 0..<window {
                let place = places[own + element]
                cells[element] = place < 0 ? 0 : source[place]
              }
            }
            cells += window
          }
        }
      }
    }
  }

  /// Channels whose planes are read together.
  private static let block = 16
}
