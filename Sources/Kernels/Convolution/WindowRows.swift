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

  /// For each element of the kernel, what it sees of a plane at an output position; −1 where that is a zero.
  private func places(at position: Int) -> [Int] {
    var corner = [Int](repeating: 0, count: output.count)
    var rest = position
    for axis in output.indices.reversed() {
      corner[axis] = rest % output[axis] * strides[axis] - padding[axis]
      rest /= output[axis]
    }
    var places = [0]
    for axis in kernel.indices {
      let seen = (0..<kernel[axis]).map { element(at: corner[axis] + $0 * dilations[axis], axis) }
      var next: [Int] = []
      next.reserveCapacity(places.count * seen.count)
      for place in places {
        for element in seen { next.append(place < 0 || element < 0 ? -1 : place * input[axis] + element) }
      }
      places = next
    }
    return places
  }

  /// The input's element at a coordinate of an axis; −1 in the padding and between elements.
  private func element(at coordinate: Int, _ axis: Int) -> Int {
    let (element, rest) = coordinate.quotientAndRemainder(dividingBy: inputDilations[axis])
    return coordinate >= 0 && rest == 0 && element < input[axis] ? element : -1
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
    let places = positions.flatMap { self.places(at: $0) }
    let isInside = positions.indices.map { row in (0..<window).allSatisfy { places[row * window + $0] >= 0 } }
    places.withUnsafeBufferPointer { places in
      isInside.withUnsafeBufferPointer { isInside in
        // A plane is read at all positions before the next one: it stays near.
        for (index, channel) in channels.enumerated() {
          let source = sample + channel * plane
          for row in 0..<positions.count {
            let (cells, own) = (target + (row * width + index * window), row * window)
            if isInside[row] {
              for element in 0..<window { cells[element] = source[places[own + element]] }
            } else {
              for element in 0..<window {
                let place = places[own + element]
                cells[element] = place < 0 ? 0 : source[place]
              }
            }
          }
        }
      }
    }
  }
}
