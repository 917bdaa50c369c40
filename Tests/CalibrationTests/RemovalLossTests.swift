import Analysis
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// What removing a channel costs, against removing it: the layer's other columns are fitted anew by Gaussian
/// elimination, and what they miss is measured, as a share of what the outputs vary.
///
/// Inputs are whole numbers, whose products and sums single precision holds.
@Suite("Removal losses")
struct RemovalLossTests {
  /// Losses of the first group's channels, which one layer reads.
  private func losses(
    _ model: Model, _ x: Tensor, rounds: Int = 1, damping: Double = 0,
    runtime: RuntimeOptions = RuntimeOptions(workers: .one)
  ) throws -> [Double] {
    let analysis = try ModelAnalysis(model)
    var options = Measuring.Options()
    options.damping = damping
    options.batch = 16
    options.runtime = runtime
    let measuring = Measuring(model, analysis, data: CalibrationData(x), options: options)
    var outputs: RecordedOutputs?
    let found = try measuring.removalLosses(rounds: rounds, &outputs) { _, _, _ in }
    let group = try #require(analysis.groups.first)
    return try #require(found[group.dimension])
  }

  /// The growth of E‖y − W·x‖² where some columns are removed and the others, and a bias, are fitted anew.
  private func growth(_ rows: DenseMatrix, _ weight: DenseMatrix, removing columns: [Int]) -> Double {
    let targets = rows * weight.transposed
    let left = rows.keeping(columns: (0..<rows.columns).filter { !columns.contains($0) })
    let fitted = targets.regression(on: left)
    let errors = (left * fitted.matrix.transposed).adding(row: fitted.shift) - targets
    return errors.squaredNorm / Double(rows.rows)
  }

  /// What the layer's outputs vary, all together.
  private func variance(_ rows: DenseMatrix, _ weight: DenseMatrix) -> Double {
    (rows * weight.transposed).centred.squaredNorm / Double(rows.rows)
  }

  /// The growth for each block of columns, as a share.
  private func shares(_ rows: DenseMatrix, _ weight: DenseMatrix, blocks: [Range<Int>]) -> [Double] {
    let whole = variance(rows, weight)
    return blocks.map { growth(rows, weight, removing: Array($0)) / whole }
  }

  private func input(_ shape: [Int]) -> Tensor {
    var numbers = Numbers(seed: 1)
    return Tensor(floats: numbers.integers(shape.reduce(1, *), in: -2...3).map { Float($0) }, shape: shape)
  }

  /// A matrix of ones on the diagonal and above it, whose inverse is whole too, so that no input is lost.
  private func mixing(_ size: Int) -> [Float] {
    (0..<(size * size)).map { [0, 1].contains($0 % size - $0 / size) ? 1 : 0 }
  }

  private func model(_ text: String, channels: Int) throws -> Model {
    var model = try GraphText.model(text)
    try model.fill("a", mixing(channels))
    return model
  }

  /// Windows of 3×3 with a padding of one, channel by channel: a row a position.
  private func windows(_ tensor: Tensor) throws -> DenseMatrix {
    let values = try #require(tensor.doubles())
    let (samples, channels, height, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3])
    var elements: [Double] = []
    for sample in 0..<samples {
      for row in 0..<height {
        for column in 0..<width {
          for channel in 0..<channels {
            for step in 0..<9 {
              let (y, x) = (row + step / 3 - 1, column + step % 3 - 1)
              let isInside = (0..<height).contains(y) && (0..<width).contains(x)
              elements.append(isInside ? values[((sample * channels + channel) * height + y) * width + x] : 0)
            }
          }
        }
      }
    }
    return DenseMatrix(samples * height * width, channels * 9, elements)
  }

  private func expectEqual(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == expected.count && expected.allSatisfy { $0 > 0 })
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-6 * b, "\(a) instead of \(b)") }
  }

  @Test("of a product they are the error that is left without the channel")
  func product() throws {
    let model = try model("x: float[N, 6]\nh = MatMul(x, a[6, 6])\ny = Gemm(h, b[6, 4])\nreturn y", channels: 6)
    let x = input([300, 6])
    let h = try #require(try model.run(x, showing: ["h"])["h"]?.doubles())
    let rows = DenseMatrix(300, 6, h)
    let weight = DenseMatrix(6, 4, try model.numbers("b")).transposed
    expectEqual(try losses(model, x), shares(rows, weight, blocks: (0..<6).map { $0..<($0 + 1) }))
  }

  @Test("of a transposed Gemm too")
  func transposedProduct() throws {
    let model = try model(
      "x: float[N, 6]\nh = MatMul(x, a[6, 6])\ny = Gemm(h, b[4, 6], c[4]) { transB: 1 }\nreturn y", channels: 6)
    let x = input([300, 6])
    let h = try #require(try model.run(x, showing: ["h"])["h"]?.doubles())
    let weight = DenseMatrix(4, 6, try model.numbers("b"))
    let rows = DenseMatrix(300, 6, h)
    expectEqual(try losses(model, x), shares(rows, weight, blocks: (0..<6).map { $0..<($0 + 1) }))
  }

  @Test("of a convolution a channel is all columns of its window")
  func convolution() throws {
    let text = """
      x: float[N, 4, 5, 5]
      h = Conv(x, a[4, 4, 1, 1])
      y = Conv(h, b[3, 4, 3, 3]) { pads: [1, 1, 1, 1] }
      return y
      """
    let model = try model(text, channels: 4)
    let x = input([40, 4, 5, 5])
    let rows = try windows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = DenseMatrix(3, 36, try model.numbers("b"))
    let blocks = (0..<4).map { ($0 * 9)..<($0 * 9 + 9) }
    expectEqual(try losses(model, x), shares(rows, weight, blocks: blocks))
    // Threads change nothing.
    let many = try losses(model, x, runtime: RuntimeOptions(workers: Workers(count: 3)))
    #expect(try losses(model, x) == many)
  }

  @Test("of a transposed convolution too")
  func transposedConvolution() throws {
    let model = try model(TransposedConvolution.text(channels: 4), channels: 4)
    let x = input([40, 4, 3, 3])
    let rows = try TransposedConvolution.rows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = TransposedConvolution.matrix(try model.numbers("b"))
    let blocks = (0..<4).map { ($0 * 9)..<($0 * 9 + 9) }
    expectEqual(try losses(model, x), shares(rows, weight, blocks: blocks))
  }

  @Test("of a product behind a flattening a channel is all its positions")
  func flattened() throws {
    let text = """
      x: float[N, 3, 2, 2]
      h = Conv(x, a[3, 3, 1, 1])
      f = Flatten(h)
      y = Gemm(f, b[12, 5])
      return y
      """
    let model = try model(text, channels: 3)
    let x = input([400, 3, 2, 2])
    let f = try #require(try model.run(x, showing: ["f"])["f"]?.doubles())
    let rows = DenseMatrix(400, 12, f)
    let weight = DenseMatrix(12, 5, try model.numbers("b")).transposed
    let blocks = (0..<3).map { ($0 * 4)..<($0 * 4 + 4) }
    expectEqual(try losses(model, x), shares(rows, weight, blocks: blocks))
  }

  @Test("of a convolution in groups they are summed over the groups, each with inputs of its own")
  func grouped() throws {
    let text = """
      x: float[N, 4, 5, 5]
      h = Conv(x, a[4, 4, 1, 1])
      y = Conv(h, b[6, 2, 3, 3]) { group: 2 pads: [1, 1, 1, 1] }
      return y
      """
    let model = try model(text, channels: 4)
    let x = input([40, 4, 5, 5])
    let rows = try windows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = DenseMatrix(6, 18, try model.numbers("b"))
    var (grown, whole) = ([0.0, 0.0], 0.0)
    for group in 0..<2 {
      let own = rows.keeping(columns: Array((group * 18)..<(group * 18 + 18)))
      let matrix = weight.keeping(rows: Array((group * 3)..<(group * 3 + 3)))
      whole += variance(own, matrix)
      for channel in 0..<2 {
        grown[channel] += growth(own, matrix, removing: Array((channel * 9)..<(channel * 9 + 9)))
      }
    }
    expectEqual(try losses(model, x), grown.map { $0 / whole })
  }

  @Test("a model of exactly so many samples is run on as many, and those left over are left out")
  func fixedSamples() throws {
    let operations = "h = MatMul(x, a[6, 6])\ny = Gemm(h, b[6, 4])\nreturn y"
    let fixed = try model("x: float[100, 6]\n" + operations, channels: 6)
    let open = try model("x: float[N, 6]\n" + operations, channels: 6)
    let x = input([250, 6])
    expectEqual(try losses(fixed, x), try losses(open, x.samples(0..<200)))
  }

  @Test("a channel that never varies costs nothing: the bias stands in for it")
  func constantChannel() throws {
    var model = try model(
      "x: float[N, 4]\nh = Gemm(x, a[4, 4], c[4])\ny = MatMul(h, b[4, 3])\nreturn y", channels: 4)
    var matrix = mixing(4)
    for row in 0..<4 { matrix[row * 4 + 2] = 0 }
    try model.fill("a", matrix)
    try model.fill("c", [0, 1, 3, -1])
    let found = try losses(model, input([256, 4]))
    #expect(found[2] <= 1e-9 * found[0])
    #expect(found[0] > 0 && found[1] > 0 && found[3] > 0)
  }

  @Test(
    "in several rounds a channel costs what is left without it and those that went in rounds before",
    arguments: [2, 3, 6])
  func rounds(count: Int) throws {
    let model = try model("x: float[N, 6]\nh = MatMul(x, a[6, 6])\ny = Gemm(h, b[6, 4])\nreturn y", channels: 6)
    let x = input([300, 6])
    let h = try #require(try model.run(x, showing: ["h"])["h"]?.doubles())
    let rows = DenseMatrix(300, 6, h)
    let weight = DenseMatrix(6, 4, try model.numbers("b")).transposed
    func cost(_ removed: [Int]) -> Double { growth(rows, weight, removing: removed) / variance(rows, weight) }
    let found = try losses(model, x, rounds: count)
    // The cheapest ones go, again and again.
    var (gone, dearest, expected) = ([Int](), 0.0, [Double](repeating: 0, count: 6))
    while gone.count < 6 {
      let lost = gone.isEmpty ? 0 : cost(gone)
      let left = (0..<6).filter { !gone.contains($0) }.map { (cost: cost(gone + [$0]) - lost, channel: $0) }
      for next in left.sorted(by: { $0.cost < $1.cost }).prefix(6 / count) {
        dearest = max(dearest, next.cost)
        expected[next.channel] = dearest
        gone.append(next.channel)
      }
    }
    expectEqual(found, expected)
    #expect(try losses(model, x, rounds: 1) != found)
  }

  @Test("what cannot be told does not look free", arguments: [Float.nan, .infinity], [1, 4])
  func noNumbers(value: Float, rounds: Int) throws {
    let text = "x: float[N, 4]\nh = MatMul(x, a[4, 4])\ny = MatMul(h, b[4, 3])\nreturn y"
    let x = input([64, 4])
    var reader = try model(text, channels: 4)
    var weights = try reader.numbers("b").map { Float($0) }
    weights[0] = value
    try reader.fill("b", weights)
    #expect(try losses(reader, x, rounds: rounds).allSatisfy { $0.isNaN })
    // The same of an input, of which nothing is known then.
    var inputs = try model(text, channels: 4)
    var producers = try inputs.numbers("a").map { Float($0) }
    producers[0] = value
    try inputs.fill("a", producers)
    #expect(try losses(inputs, x, rounds: rounds).allSatisfy { $0.isNaN })
  }

  @Test("of two channels that say the same, the first to go costs nothing, and the second what both say")
  func copies() throws {
    var model = try GraphText.model("x: float[N, 3]\nh = MatMul(x, a[3, 4])\ny = MatMul(h, b[4, 3])\nreturn y")
    // The last two channels are the last number read.
    try model.fill("a", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1])
    let x = input([200, 3])
    let alone = try losses(model, x, rounds: 1, damping: 1e-6)
    let together = try losses(model, x, rounds: 4, damping: 1e-6)
    #expect(alone[2] < 1e-3 * alone[0] && alone[3] < 1e-3 * alone[0])
    #expect(min(together[2], together[3]) < 1e-3 * together[0])
    #expect(max(together[2], together[3]) > 0.1 * together[0])
  }

  @Test("an error counts by the root of the layers behind it")
  func depths() throws {
    let behind = "y = Relu(k)\nz = MatMul(y, c[4, 4])\nreturn z"
    let operations = "h = MatMul(x, a[6, 6])\nk = Gemm(h, b[6, 4])\n"
    let last = try model("x: float[N, 6]\n" + operations + "return k", channels: 6)
    var followed = try model("x: float[N, 6]\n" + operations + behind, channels: 6)
    try followed.fill("b", try last.numbers("b").map { Float($0) })
    let x = input([300, 6])
    expectEqual(try losses(followed, x), try losses(last, x).map { $0 * 2.0.squareRoot() })
  }
}
