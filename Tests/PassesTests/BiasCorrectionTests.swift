import Calibration
import IR
import Passes
import TestSupport
import Testing

@Suite("bias-correction")
struct BiasCorrectionTests {
  private func correction(_ data: CalibrationData) -> BiasCorrectionPass { BiasCorrectionPass { _, _ in data } }

  @Test("what a constant unit adds goes into the bias, and the outputs stay what they were")
  func constantUnit() throws {
    // The fourth unit is always a half.
    var original = try GraphText.model(
      "x: float[N, 3]\nh = Gemm(x, a[3, 4], c[4])\ny = Gemm(h, b[4, 3], d[3])\nreturn y")
    try original.fill("a", [1, 1, 1, 0, 1, -1, 1, 0, 1, 1, -1, 0])
    try original.fill("c", [1, 1, 1, 0.5])
    try original.fill("b", [1, -1, 1, 1, 1, -1, -1, 1, 1, 1, -1, 1])
    try original.fill("d", [10, 20, 30])
    var model = original
    let records = try run(
      [prune(ratio: 0.25), correction(samples(scattered(50, columns: 3), shape: [3]))], on: &model)
    #expect(statistic("correctedLayers", of: records.last) == "1")
    #expect(statistic("skippedLayers", of: records.last) == "0")
    for (found, expected) in zip(try model.numbers("d"), [10.5, 19.5, 30.5] as [Float]) {
      #expect(abs(found - expected) < 1e-4)
    }
    // The weights are not touched.
    #expect(try model.numbers("b") == Array(original.numbers("b")[..<9]))
    let x = Tensor(floats: scattered(20, columns: 3), shape: [20, 3])
    #expect(try OutputComparison(expected: original, found: model, samples: [["x": x]]).maxRelativeError < 1e-5)
  }

  /// Two units: the first is twice the first number of a sample, the second the second number.
  private static let sum = """
    x: float[N, 2]
    h = MatMul(x, a[2, 2])
    m = MatMul(h, b[2, 1])
    y = Add(m, d[1])
    return y
    """

  @Test("the mean over the samples is what a unit that varies leaves behind")
  func mean() throws {
    var model = try GraphText.model(Self.sum)
    try model.fill("a", [2, 0, 0, 1])
    try model.fill("b", [1, 1])
    try model.fill("d", [10])
    // The means are 2 and 5.
    let data = samples([1, 3, 2, 5, 3, 7], shape: [2])
    let records = try run([prune(ratio: 0.5), correction(data)], on: &model)
    #expect(records.last?.report.isModified == true)
    #expect(try model.numbers("a") == [2, 0])
    #expect(try model.numbers("b") == [1])
    #expect(try abs(model.numbers("d")[0] - 15) < 1e-4)
  }

  @Test("samples are read in batches, and the last may be smaller")
  func batches() throws {
    var model = try GraphText.model(Self.sum)
    try model.fill("a", [2, 0, 0, 1])
    try model.fill("b", [1, 1])
    try model.fill("d", [10])
    let data = samples([1, 3, 2, 5, 3, 7], shape: [2])
    _ = try run([prune(ratio: 0.5), BiasCorrectionPass(batch: 2) { _, _ in data }], on: &model)
    #expect(try abs(model.numbers("d")[0] - 15) < 1e-4)
  }

  @Test("a layer without a place for a mean is left alone and counted")
  func noPlace() throws {
    var model = try GraphText.model("x: float[N, 2]\nh = MatMul(x, a[2, 2])\ny = MatMul(h, b[2, 1])\nreturn y")
    try model.fill("a", [2, 0, 0, 1])
    try model.fill("b", [1, 1])
    let data = samples([1, 3, 2, 5, 3, 7], shape: [2])
    let records = try run([prune(ratio: 0.5), correction(data)], on: &model)
    #expect(statistic("correctedLayers", of: records.last) == "0")
    #expect(statistic("skippedLayers", of: records.last) == "1")
    #expect(records.last?.report.isModified == false)
    #expect(try model.numbers("b") == [1])
  }

  @Test("the mean of a convolution's channel goes into the running mean behind it, with the other sign")
  func runningMean() throws {
    var model = try GraphText.model(
      """
      x: float[N, 2, 1, 1]
      h = Conv(x, a[2, 2, 1, 1])
      n = Conv(h, b[1, 2, 1, 1])
      y = BatchNormalization(n, s[1]+, t[1], m[1], v[1]+)
      return y
      """)
    try model.fill("a", [2, 0, 0, 1])
    try model.fill("b", [1, 3])
    try model.fill("m", [4])
    let data = samples([1, 3, 2, 5, 3, 7], shape: [2, 1, 1])
    _ = try run([prune(ratio: 0.5), correction(data)], on: &model)
    // Whichever unit went: a unit's mean, 4 or 5, times its weight, 1 or 3.
    let lost: Float = try model.numbers("b") == [1] ? 15 : 4
    #expect(try abs(model.numbers("m")[0] - (4 - lost)) < 1e-4)
  }

  @Test("it needs a prune pass before it, and samples")
  func errors() throws {
    var model = try GraphText.model(Self.sum)
    let pass = correction(samples([1, 3], shape: [2]))
    #expect(
      message { _ = try run([pass], on: &model) }
        == "model.onnx: pass bias-correction needs a prune pass before it, there is none")
    #expect(
      message { _ = try BiasCorrectionPass(options([:])) }
        == "pipeline.yaml:3:5: pass bias-correction needs samples: data or calibration")
  }
}
