import Kernels
import Testing

@Suite("Sums over slices")
struct SliceSumsTests {
  static let shapes: [[Int]] = [
    [1], [7], [64], [3, 5], [13, 1], [1, 17], [5, 3, 3, 3], [2, 3, 5, 7], [300, 9], [2, 600, 450], [4, 0, 3],
  ]

  /// Numbers between −1 and 1 that no order of summation favours.
  private func numbers(_ count: Int) -> [Float] {
    var state: UInt64 = 7
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
  }

  private func naive(_ values: [Float], _ shape: [Int], _ power: SliceSums.Power) -> [[Double]] {
    var sums = shape.map { [Double](repeating: 0, count: $0) }
    for (flat, value) in values.enumerated() {
      var rest = flat
      for axis in shape.indices.reversed() {
        sums[axis][rest % shape[axis]] += power == .square ? Double(value) * Double(value) : Double(abs(value))
        rest /= shape[axis]
      }
    }
    return sums
  }

  @Test("sums agree with naive loops on every axis, whatever the alignment", arguments: shapes, [0, 1, 2, 3])
  func sums(shape: [Int], offset: Int) {
    let values = numbers(shape.reduce(1, *))
    var bytes = [UInt8](repeating: 0, count: offset)
    values.withUnsafeBytes { bytes += $0 }
    for power in [SliceSums.Power.absolute, .square] {
      let found = bytes.withUnsafeBytes {
        SliceSums.sums(of: UnsafeRawBufferPointer(rebasing: $0[offset...]), shape: shape, power: power)
      }
      let expected = naive(values, shape, power)
      #expect(found.map(\.count) == shape)
      for (left, right) in zip(found, expected) {
        for (a, b) in zip(left, right) { #expect(abs(a - b) <= 1e-5 * max(b, 1)) }
      }
    }
  }

  @Test("what is not finite shows in the slices that hold it and in no other of the same axis")
  func notFinite() {
    var values = numbers(24)
    values[13] = .nan
    let found = values.withUnsafeBytes { SliceSums.sums(of: $0, shape: [4, 6], power: .square) }
    #expect(found[0].map(\.isFinite) == [true, true, false, true])
    #expect(found[1].map(\.isFinite) == [true, false, true, true, true, true])
  }
}
