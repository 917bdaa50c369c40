import Calibration
import Passes
import TestSupport
import Testing

/// Plans that were made elsewhere, carried out.
@Suite("Carrying out plans")
struct PlanRemovalTests {
  private let context: Context
  private let model: Model
  private let analysis: ModelAnalysis

  init() throws {
    model = try GraphText.model(
      "x: float[N, 4]\nh = MatMul(x, a[4, 16])\nr = Relu(h)\ny = MatMul(r, b[16, 3])\nreturn y")
    analysis = try ModelAnalysis(model)
    context = Context(model: model, source: Context.Source(path: "model.onnx"))
  }

  private func pass(_ calibration: PruneCalibration, criterion: String) throws -> PrunePass {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    return PrunePass(options, scoring: try Scoring(named: criterion), calibration: calibration)
  }

  @Test("layers are repaired as prune repairs them", arguments: [CalibrationData.Origin.natural, .generated])
  func asPrune(origin: CalibrationData.Origin) throws {
    let calibration = PruneCalibration { _, _ in samples(scattered(64, columns: 4), shape: [4], origin: origin) }
    let pass = try pass(calibration, criterion: "obspa")
    #expect(pass.repairsLayers)
    let (plan, expected, repair) = try pass.prune(model, analysis, in: context)
    let found = try calibration.carryOut(
      keep: plan.keepSets(analysis), groups: plan.groups, on: model, analysis, in: context)
    #expect(try found.model.numbers("b") == expected.numbers("b"))
    #expect(found.repair.layers.map(\.error) == repair.layers.map(\.error))
    #expect(found.repair.layers.count == 1)
  }

  @Test("without samples nothing is repaired, and an order that is asked for is an error")
  func withoutSamples() throws {
    var calibration = PruneCalibration()
    let pass = try pass(calibration, criterion: "l2")
    #expect(!pass.repairsLayers)
    let (plan, keep) = try pass.decide(model, analysis, in: context)
    let found = try calibration.carryOut(keep: keep, groups: plan.groups, on: model, analysis, in: context)
    #expect(try found.model.numbers("b") == model.keeping(keep, analysis: analysis).numbers("b"))
    #expect(found.repair.layers.isEmpty)
    calibration.repair = .order(.parallel)
    let text = message {
      _ = try calibration.carryOut(keep: keep, groups: plan.groups, on: model, analysis, in: context)
    }
    #expect(text == "repairing layers (par) needs samples (--data or --calibration)")
  }
}
