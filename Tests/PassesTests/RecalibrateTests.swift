import Calibration
import IR
import Passes
import TestSupport
import Testing

@Suite("recalibrate")
struct RecalibrateTests {
  private static let normalization = """
    x: float[N, 2, 1, 1]
    y = BatchNormalization(x, s[2]+, t[2], m[2], v[2]+)
    return y
    """

  @Test("a normalization gets the means and variances of the samples")
  func statistics() throws {
    var model = try GraphText.model(Self.normalization)
    let (scales, offsets) = (try model.numbers("s"), try model.numbers("t"))
    // Means 2 and 20, variances 1 and 100.
    let data = samples([1, 10, 3, 30, 1, 30, 3, 10], shape: [2, 1, 1])
    let record = try run(RecalibratePass(batch: 3) { _, _ in data }, on: &model)
    #expect(statistic("normalizations", of: record) == "1")
    #expect(record.report.isModified)
    #expect(try model.numbers("m") == [2, 20])
    #expect(try model.numbers("v") == [1, 100])
    #expect(try model.numbers("s") == scales)
    #expect(try model.numbers("t") == offsets)
  }

  @Test("a model without normalizations stays as it is")
  func nothing() throws {
    var model = try GraphText.model("x: float[N, 2]\ny = Gemm(x, a[2, 2], c[2])\nreturn y")
    let weights = try model.numbers("a")
    let data = samples([1, 10, 3, 30], shape: [2])
    let record = try run(RecalibratePass { _, _ in data }, on: &model)
    #expect(statistic("normalizations", of: record) == "0")
    #expect(!record.report.isModified)
    #expect(try model.numbers("a") == weights)
  }

  @Test("generated samples are refused, in options and in code")
  func noise() throws {
    let reason = "pass recalibrate takes no noise: statistics of generated samples are not those of real data"
    let text = message { _ = try RecalibratePass(options(["calibration": .text("noise")])) }
    #expect(text == "pipeline.yaml:3:5: \(reason); give a file")
    var model = try GraphText.model(Self.normalization)
    let data = samples([1, 10, 3, 30], shape: [2, 1, 1], origin: .generated)
    #expect { try run(RecalibratePass { _, _ in data }, on: &model) } throws: { error in
      guard case PassError.usage(let text) = error else { return false }
      return text == "model.onnx: \(reason); give a file"
    }
  }

  @Test("samples are needed")
  func withoutSamples() {
    let text = message { _ = try RecalibratePass(options([:])) }
    #expect(text == "pipeline.yaml:3:5: pass recalibrate needs samples: data or calibration")
  }
}
