import Analysis
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing
import Training

@testable import Calibration

@Suite("Bias correction")
struct BiasCorrectionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let shape: [Int]
  }

  /// One cut each, before the layer that makes the output.
  static let cases: [Case] = [
    Case(
      testDescription: "a convolution with padding and a bias",
      text: """
        x: float[N, 3, 6, 6]
        h = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(h)
        y = Conv(r, b[4, 8, 3, 3], d[4]) { pads: [1, 1, 1, 1] strides: [2, 2] }
        return y
        """, shape: [20, 3, 6, 6]),
    Case(
      testDescription: "a convolution in groups without a bias",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        r = Relu(h)
        y = Conv(r, b[6, 4, 3, 3]) { group: 2 pads: [1, 1, 1, 1] }
        return y
        """, shape: [20, 4, 4, 4]),
    Case(
      testDescription: "a transposed convolution in groups",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        r = Relu(h)
        y = ConvTranspose(r, b[8, 3, 3, 3], d[6]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] }
        return y
        """, shape: [20, 4, 4, 4]),
    Case(
      testDescription: "a convolution before a normalization",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        r = Relu(h)
        n = Conv(r, b[6, 8, 1, 1])
        y = BatchNormalization(n, s[6]+, t[6], m[6], v[6]+)
        return y
        """, shape: [20, 4, 4, 4]),
    Case(
      testDescription: "a product behind a flattening",
      text: """
        x: float[N, 3, 2, 2]
        h = Conv(x, a[6, 3, 1, 1], c[6])
        r = Relu(h)
        f = Flatten(r)
        y = Gemm(f, b[24, 4], d[4])
        return y
        """, shape: [50, 3, 2, 2]),
    Case(
      testDescription: "MatMul and Add",
      text: """
        x: float[N, 6]
        h = MatMul(x, a[6, 10])
        r = Relu(h)
        n = MatMul(r, b[10, 4])
        y = Add(d[4], n)
        return y
        """, shape: [100, 6]),
  ]

  /// The mean of each channel over samples and places.
  private func means(_ model: Model, _ x: Tensor) throws -> [Double] {
    let y = try #require(try model.run(x)["y"])
    let numbers = try #require(y.doubles())
    let (channels, inner) = (y.shape[1], y.shape.dropFirst(2).reduce(1, *))
    var sums = [Double](repeating: 0, count: channels)
    for (index, number) in numbers.enumerated() { sums[index / inner % channels] += number }
    return sums.map { $0 * Double(channels) / Double(numbers.count) }
  }

  @Test("the outputs of a layer have the means they had", arguments: cases)
  func meansStay(example: Case) throws {
    let pruned = try PrunedModel(try GraphText.model(example.text))
    let x = randomInput(example.shape)
    let (corrected, report) = try pruned.biasCorrected(on: x)
    #expect(report.layers.count == 1 && report.skipped.isEmpty)
    let expected = try means(pruned.dense, x)
    #expect(try relativeError(means(pruned.model, x), expected) > 0.01)
    #expect(try relativeError(means(corrected, x), expected) <= 1e-4)
    #expect(corrected.contents["b"] == pruned.model.contents["b"])
  }

  @Test("means and shifts are those of the sums, group by group")
  func shifts() {
    var means = LayerMeans(columns: 2, rows: 2)
    means.add([1, 10, 3, 30], [5, 50, 7, 70])
    means.add([5, 50], [9, 90])
    #expect(means.inputs == [3, 30])
    #expect(means.outputs == [7, 70])
    // One matrix: 7 − (1·3 + 0.5·30) and 70 − (2·3 + 1·30).
    #expect(means.shifts([[1, 0.5, 2, 1]]) == [7 - 18, 70 - 36])
    // Two groups of one column and one row.
    #expect(means.shifts([[2], [2]]) == [1, 10])
  }

  @Test("a layer behind a cut that lost no columns is left alone")
  func noColumnsLost() throws {
    let text = """
      x: float[N, 4, 4, 4]
      h = Conv(x, a[8, 4, 1, 1], c[8])
      g = Conv(h, k[8, 1, 3, 3], e[8]) { group: 8 pads: [1, 1, 1, 1] }
      y = Conv(g, b[3, 8, 1, 1], d[3])
      return y
      """
    let pruned = try PrunedModel(try GraphText.model(text))
    let (corrected, report) = try pruned.biasCorrected(on: randomInput([10, 4, 4, 4]))
    #expect(report.layers.count == 1)
    #expect(corrected.contents["e"] == pruned.model.contents["e"])
    #expect(corrected.contents["d"] != pruned.model.contents["d"])
  }
}
