import Calibration
import IR
import Passes
import TestSupport
import Testing

@Suite("reconstruct")
struct ReconstructTests {
  /// Hidden units 4 to 7 are a half of units 0 to 3, which are all of the same norm; so are all rows of b.
  private func redundant() throws -> Model {
    var model = try GraphText.model(
      "x: float[N, 4]\nh = Gemm(x, a[4, 8], c[8])\nr = Relu(h)\ny = Gemm(r, b[8, 3], d[3])\nreturn y")
    let signs: [[Float]] = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    try model.fill("a", signs.flatMap { row in row + row.map { $0 / 2 } })
    let biases: [Float] = [0.5, -0.25, 0.25, 0.125]
    try model.fill("c", biases + biases.map { $0 / 2 })
    try model.fill("b", (0..<24).map { [1, -1, -1, 1, 1][$0 % 5] })
    return model
  }

  private func reconstruct(order: Repair.Order? = nil) -> ReconstructPass {
    let data = samples(scattered(400, columns: 4), shape: [4])
    var repairing = Repair.Options()
    repairing.damping = 1e-8
    return ReconstructPass(order: order, repairing: repairing) { _, _ in data }
  }

  @Test("what a removed unit added is made by the unit it is a half of", arguments: Repair.Order.allCases)
  func redundantUnits(order: Repair.Order) throws {
    let original = try redundant()
    var model = original
    let records = try run([prune(ratio: 0.5), reconstruct(order: order)], on: &model)
    #expect(statistic("repairedLayers", of: records.last) == "1")
    #expect(records.last?.report.isModified == true)
    let b = try original.numbers("b")
    let expected = (0..<12).map { b[$0] + b[$0 + 12] / 2 }
    let found = try model.numbers("b")
    try #require(found.count == expected.count)
    for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 1e-3) }
    let others = scattered(20, columns: 4).map { -0.9 * $0 }
    let comparison = try OutputComparison(
      expected: original, found: model, samples: [["x": Tensor(floats: others, shape: [20, 4])]])
    #expect(comparison.maxRelativeError < 1e-3)
  }

  @Test("without it the same cut changes the outputs")
  func withoutRepair() throws {
    let original = try redundant()
    var model = original
    _ = try run([prune(ratio: 0.5)], on: &model)
    let x = Tensor(floats: scattered(20, columns: 4), shape: [20, 4])
    let comparison = try OutputComparison(expected: original, found: model, samples: [["x": x]])
    #expect(comparison.maxRelativeError > 0.02)
  }

  @Test("a model behind a repair still verifies in structure")
  func verifies() throws {
    var model = try redundant()
    let records = try run([prune(ratio: 0.5), reconstruct(), VerifyPass()], on: &model)
    #expect(statistic("differences", of: records.last) == "0")
  }

  // MARK: Norms

  private static let normed = """
    x: float[N, 4]
    h = MatMul(x, a[4, 8])
    n = ms:SimplifiedLayerNormalization(h, gamma[8]+)
    y = MatMul(n, b[8, 3])
    return y
    """

  @Test("norms over fewer channels are counted beside the layers")
  func rescaledNorms() throws {
    var selection = SelectionOptions(ratio: 0.5)
    selection.roundTo = 1
    selection.kinds = .all
    var model = try GraphText.model(Self.normed)
    let records = try run([PrunePass(selection), reconstruct()], on: &model)
    #expect(statistic("rescaledNorms", of: records.last) == "1")
    #expect(statistic("repairedLayers", of: records.last) == "1")
    #expect(records.last?.report.isModified == true)
  }

  @Test("prune counts the norms that its own repair rescales")
  func normsOfPrune() throws {
    let data = samples(scattered(400, columns: 4), shape: [4])
    var calibration = PruneCalibration { _, _ in data }
    calibration.repair = .order(.sequential)
    var selection = SelectionOptions(ratio: 0.5)
    selection.roundTo = 1
    selection.kinds = .all
    var model = try GraphText.model(Self.normed)
    let records = try run([PrunePass(selection, calibration: calibration)], on: &model)
    #expect(statistic("rescaledNorms", of: records.last) == "1")
    #expect(statistic("repairedLayers", of: records.last) == "1")
  }

  // MARK: Errors

  private func failure(_ passes: [any Pass]) throws -> String {
    var model = try redundant()
    return message { _ = try run(passes, on: &model) }
  }

  @Test("without a prune pass there is nothing to make up for")
  func noPrune() throws {
    #expect(try failure([reconstruct()]) == "model.onnx: pass reconstruct needs a prune pass before it, there is none")
  }

  @Test("after several prune passes no one plan says what went")
  func severalPrunes() throws {
    let text = try failure([prune(ratio: 0.5), prune(ratio: 0.5), reconstruct()])
    #expect(text == "model.onnx: pass reconstruct needs exactly one prune pass before it, there are 2")
  }

  @Test("a pass that changed the model otherwise is named, with what to do")
  func changedOtherwise() throws {
    let data = samples(scattered(400, columns: 4), shape: [4])
    let text = try failure([prune(ratio: 0.5), BiasCorrectionPass { _, _ in data }, reconstruct()])
    #expect(text.contains("but pass bias-correction has changed it; leave one of them out"))
  }

  @Test("a pass that may as well come later is told to")
  func changedBefore() throws {
    var model = try GraphText.model(
      "x: float[N, 4]\ni = Identity(x)\nh = Gemm(i, a[4, 8])\ny = Gemm(h, b[8, 3])\nreturn y")
    let text = message { _ = try run([FoldIdentityPass(), prune(ratio: 0.5), reconstruct()], on: &model) }
    #expect(text.contains("but pass fold-identity has changed it; put it after reconstruct"))
  }

  @Test("layers that prune has repaired are not repaired twice")
  func repairedBefore() throws {
    let data = samples(scattered(400, columns: 4), shape: [4])
    var calibration = PruneCalibration { _, _ in data }
    calibration.repair = .order(.parallel)
    var selection = SelectionOptions(ratio: 0.5)
    selection.roundTo = 1
    let text = try failure([PrunePass(selection, calibration: calibration), reconstruct()])
    #expect(text == "model.onnx: pass reconstruct: the prune pass has repaired layers already; give it repair: none")
  }

  @Test("samples are asked for where the options are read")
  func withoutSamples() {
    let text = message { _ = try ReconstructPass(options(["order": .text("par")])) }
    #expect(text == "pipeline.yaml:3:5: pass reconstruct needs samples: data or calibration")
  }

  @Test("generated samples will do")
  func noise() throws {
    var model = try redundant()
    let pass = try ReconstructPass(options(["calibration": .text("noise"), "samples": .integer(64)]))
    let records = try run([prune(ratio: 0.5), pass], on: &model)
    #expect(statistic("repairedLayers", of: records.last) == "1")
  }
}
