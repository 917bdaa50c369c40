import Kernels
import Testing

/// Sums and products over what belongs to channels.
@Suite struct ChannelScalingTests {
  private let numbers = (0..<24).map { Float($0) - 11 }

  @Test(arguments: 0..<3) func sums(axis: Int) {
    let shape = [2, 3, 4]
    let slices = AxisSlices(shape, axis: axis)
    // Indices take turns; the last one is nobody's.
    let channels = (0..<shape[axis]).map { $0 == shape[axis] - 1 ? Int32(-1) : Int32($0 % 2) }
    var sums = [Double](repeating: 0, count: 2)
    ChannelProducts.add(numbers, numbers, slices, channels: channels, to: &sums)
    var expected = [Double](repeating: 0, count: 2)
    for (index, number) in numbers.enumerated() {
      let place = [index / 12, index / 4 % 3, index % 4][axis]
      if channels[place] >= 0 { expected[Int(channels[place])] += Double(number * number) }
    }
    #expect(sums == expected)
  }

  @Test(arguments: 0..<3, [Float(0.5), 0]) func scales(axis: Int, factor: Float) {
    let shape = [2, 3, 4]
    var scaled = numbers
    scaled[3] = .infinity
    let source = scaled
    let indices = [Int32(shape[axis] - 1)]
    scaled.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      ChannelScaling.scale(start, AxisSlices(shape, axis: axis), indices: indices, by: factor)
    }
    for (index, number) in source.enumerated() {
      let place = [index / 12, index / 4 % 3, index % 4][axis]
      #expect(scaled[index] == (place == Int(indices[0]) ? (factor == 0 ? 0 : number * factor) : number))
    }
  }

  @Test func elements() {
    var scaled = numbers
    scaled.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      ChannelScaling.scale(start, elements: [0, 5], by: 2)
    }
    #expect(scaled[0] == -22 && scaled[5] == -12 && scaled[1] == -10)
  }
}
