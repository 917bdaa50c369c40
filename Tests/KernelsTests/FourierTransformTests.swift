import Kernels
import Testing

@Suite("Fourier transforms")
struct FourierTransformTests {
  @Test(
    "every length gives what the definition does, and back", arguments: [1, 2, 3, 5, 7, 8, 12, 16, 31, 60, 97, 128])
  func lengths(count: Int) {
    let values = (0..<count).map { SIMD2(Double($0 * $0 % 7) - 3, Double($0 * 5 % 11) / 3) }
    var found = values
    FourierTransform(count: count, isInverse: false)(&found)
    for frequency in 0..<count {
      var sum = SIMD2<Double>.zero
      for (index, value) in values.enumerated() {
        let turn = Turn(frequency * index % count, of: count)
        sum += SIMD2(value.x * turn.cosine + value.y * turn.sine, value.y * turn.cosine - value.x * turn.sine)
      }
      let error = found[frequency] - sum
      #expect(abs(error.x) + abs(error.y) < 1e-9 * Double(count + 1))
    }
    FourierTransform(count: count, isInverse: true)(&found)
    for (a, b) in zip(values, found) {
      let error = a - b / Double(count)
      #expect(abs(error.x) + abs(error.y) < 1e-9)
    }
  }

  /// cos and sin of a part of the circle, by repeated turning: no library is trusted twice.
  private struct Turn {
    let cosine: Double
    let sine: Double

    init(_ part: Int, of whole: Int) {
      // Series of cos and sin, which converge fast on half of the circle.
      let angle = 2 * Double.pi * (Double(part) / Double(whole) - (2 * part > whole ? 1 : 0))
      var (cosine, sine, term) = (0.0, 0.0, 1.0)
      for power in 0..<40 {
        switch power % 4 {
        case 0: cosine += term
        case 1: sine += term
        case 2: cosine -= term
        default: sine -= term
        }
        term *= angle / Double(power + 1)
      }
      (self.cosine, self.sine) = (cosine, sine)
    }
  }
}
