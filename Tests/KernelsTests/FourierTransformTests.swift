import Kernels
import Testing

@Suite("Fourier transforms")
struct FourierTransformTests {
  @Test(
    "every length gives what the definition does, and back", arguments: [1, 2, 3, 5, 7, 8, 12, 16, 31, 60, 97, 128])
  func lengths(count: Int) {
    var values: [SIMD2<Double>] = []
    for index in 0..<count {
      let (real, imaginary) = (Double(index * index % 7) - 3, Double(index * 5 % 11) / 3)
      values.append(SIMD2(real, imaginary))
    }
    var found = values
    FourierTransform(count: count, isInverse: false)(&found)
    for frequency in 0..<count {
      let sum = Self.definition(values, frequency)
      #expect(Self.distance(found[frequency], sum) < 1e-9 * Double(count + 1))
    }
    FourierTransform(count: count, isInverse: true)(&found)
    for (before, after) in zip(values, found) {
      #expect(Self.distance(before, after / Double(count)) < 1e-9)
    }
  }

  private static func distance(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> Double {
    abs(a.x - b.x) + abs(a.y - b.y)
  }

  private static func definition(_ values: [SIMD2<Double>], _ frequency: Int) -> SIMD2<Double> {
    var sum = SIMD2<Double>.zero
    for (index, value) in values.enumerated() {
      let turn = Turn(frequency * index % values.count, of: values.count)
      sum.x += value.x * turn.cosine + value.y * turn.sine
      sum.y += value.y * turn.cosine - value.x * turn.sine
    }
    return sum
  }

  /// cos and sin of a part of the circle by their series, which converge fast on half of it.
  private struct Turn {
    var cosine = 0.0
    var sine = 0.0

    init(_ part: Int, of whole: Int) {
      let share = Double(part) / Double(whole)
      let angle = 2 * Double.pi * (2 * part > whole ? share - 1 : share)
      var term = 1.0
      for power in 0..<40 {
        switch power % 4 {
        case 0: cosine += term
        case 1: sine += term
        case 2: cosine -= term
        default: sine -= term
        }
        term *= angle / Double(power + 1)
      }
    }
  }
}
