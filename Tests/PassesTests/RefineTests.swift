import Calibration
import IR
import Passes
import TestSupport
import Testing

@Suite("refine")
struct RefineTests {
  /// Units 4 to 7 are large, and the same; units 0 to 3 are small, and one input each.
  private func misleading() throws -> Model {
    var model = try GraphText.model(
      "x: float[N, 4]\nh = Gemm(x, a[4, 8], c[8])\ny = Gemm(h, b[8, 3], d[3])\nreturn y")
    try model.fill(
      "a",
      (0..<32).map { index -> Float in
        let (row, unit) = (index / 8, index % 8)
        return unit < 4 ? (row == unit ? 0.5 : 0) : (row < 2 ? 1 : 0)
      })
    try model.fill("c", [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5])
    try model.fill("b", (0..<24).map { [1, -1, -1, 1, 1][$0 % 5] })
    return model
  }

  private func refine() -> RefinePass {
    let data = samples(scattered(400, columns: 4), shape: [4])
    var refining = Refinement.Options()
    refining.damping = 1e-6
    return RefinePass(refining: refining) { _, _ in data }
  }

  private func reconstruct() -> ReconstructPass {
    let data = samples(scattered(400, columns: 4), shape: [4])
    var repairing = Repair.Options()
    repairing.damping = 1e-8
    return ReconstructPass(order: .parallel, repairing: repairing) { _, _ in data }
  }

  /// How far a model is from the original on other samples.
  private func error(of model: Model) throws -> Double {
    let x = Tensor(floats: scattered(20, columns: 4).map { -0.9 * $0 }, shape: [20, 4])
    return try OutputComparison(expected: try misleading(), found: model, samples: [["x": x]]).maxRelativeError
  }

  @Test("large units that say the same are given up for small ones, and reconstruct makes up for the rest")
  func swaps() throws {
    var (model, unrefined) = (try misleading(), try misleading())
    let records = try run([prune(ratio: 0.5), refine(), reconstruct()], on: &model)
    #expect(Int(statistic("swaps", of: records[1]) ?? "") ?? 0 >= 3)
    #expect(records[1].report.isModified)
    #expect(try error(of: model) < 1e-2)
    _ = try run([prune(ratio: 0.5), reconstruct()], on: &unrefined)
    #expect(try error(of: unrefined) > 0.05)
  }

  @Test("as many units stay, and the plan says which")
  func plan() throws {
    var model = try misleading()
    let records = try run([prune(ratio: 0.5), refine()], on: &model)
    let kept = try #require(records[0].report.plan?.groups.first?.keep)
    #expect(kept.count == 4)
    #expect(kept != [4, 5, 6, 7])
    #expect(records[1].report.plan == nil)
    #expect(records[0].report.plan?.text.contains("refined") == true)
    let biases: [Float] = kept.map { $0 < 4 ? 0.1 : 0.5 }
    #expect(try model.numbers("c") == biases)
    #expect(model.metadata.contains { $0.key == "coppice.removed" })
  }

  @Test("the outputs are those of the original with what went now set to zero")
  func verifies() throws {
    var model = try misleading()
    let records = try run([prune(ratio: 0.5), refine(), VerifyPass()], on: &model)
    #expect(statistic("differences", of: records.last) == "0")
    #expect(statistic("maxRelativeError", of: records.last) != "null")
  }

  @Test("where no swap helps the model stays as it is")
  func settled() throws {
    var model = try misleading()
    let records = try run([prune(ratio: 0.5), refine(), refine()], on: &model)
    #expect(statistic("swaps", of: records.last) == "0")
    #expect(records.last?.report.isModified == false)
  }

  @Test("generated samples will do")
  func noise() throws {
    var model = try misleading()
    let pass = try RefinePass(options(["calibration": .text("noise"), "samples": .integer(64)]))
    let records = try run([prune(ratio: 0.5), pass], on: &model)
    #expect(Int(statistic("swaps", of: records.last) ?? "") ?? 0 > 0)
  }

  // MARK: Errors

  @Test("without a prune pass there is nothing to refine")
  func noPrune() throws {
    var model = try misleading()
    let text = message { _ = try run([refine()], on: &model) }
    #expect(text == "model.onnx: pass refine needs a prune pass before it, there is none")
  }

  @Test("after a repair it comes too late, and says where it belongs")
  func afterRepair() throws {
    var model = try misleading()
    let text = message { _ = try run([prune(ratio: 0.5), reconstruct(), refine()], on: &model) }
    #expect(text.hasSuffix("but pass reconstruct has changed it; put it after refine"))
  }

  @Test("samples are asked for where the options are read")
  func withoutSamples() {
    let text = message { _ = try RefinePass(options([:])) }
    #expect(text == "pipeline.yaml:3:5: pass refine needs samples: data or calibration")
  }
}
