import Calibration
import DataSources
import Foundation
import IR
import TestSupport
import Testing

@testable import Passes

@Suite("Options of prune")
struct PruneOptionsTests {
  /// A file of samples that goes with the test.
  private final class Archive {
    let path: String

    init(_ tensors: [Tensor]) throws {
      path = FileManager.default.temporaryDirectory.appending(path: "coppice-\(UUID().uuidString).npz").path
      try NumPyFile.writeArchive(tensors, to: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private func removed(_ pass: PrunePass, of model: Model, seed: UInt64 = 0) throws -> [Plan.Removal] {
    let context = Context(model: model, source: Context.Source(path: "model.onnx"), seed: seed)
    return try pass.decide(model, context.analysis(of: model), in: context).plan.removed
  }

  @Test("batch, damping and memory hold for scores and repair alike")
  func common() throws {
    let values = options(["batch": .integer(8), "damping": .number(0.1), "moment_memory": .integer(64)])
    let calibration = try PruneOptions.calibration(values)
    #expect(calibration.measuring.batch == 8)
    #expect(calibration.repairing.batch == 8)
    #expect(calibration.measuring.damping == 0.1)
    #expect(calibration.repairing.damping == 0.1)
    #expect(calibration.measuring.memoryBudget == 64 << 20)
    #expect(calibration.repairing.memoryBudget == 64 << 20)
  }

  @Test("damping decides between a copy and a small unit", arguments: [(0.01, true), (0.1, false)])
  func damping(share: Double, keepsSmall: Bool) throws {
    // The first two hidden units are the same; the third is small, and nothing makes up for it. Without the copy, which
    // costs about twice the damping, or without the small one, which costs its variance and the damping once.
    var model = try GraphText.model("x: float[N, 3]\nh = Gemm(x, a[3, 4])\ny = Gemm(h, b[4, 2])\nreturn y")
    try model.fill("a", [1, 1, 0, 0, 0, 0, 0.17, 0, 0, 0, 0, 1])
    try model.fill("b", [1, 1, 1, -1, 1, 1, 1, -1])
    let archive = try Archive([Tensor(name: "x", floats: scattered(256, columns: 3), shape: [256, 3])])
    let pass = try PrunePass(
      options([
        "ratio": .number(0.25), "round_to": .integer(1), "criterion": .text("obspa"),
        "calibration": .text(archive.path), "damping": .number(share),
      ]))
    let indices = try removed(pass, of: model).map(\.indices)
    try #require(!indices.isEmpty)
    #expect(indices.allSatisfy { ($0 != [2]) == keepsSmall })
  }

  // MARK: Seeds

  private static let network = "x: float[N, 4]\nh = Gemm(x, a[4, 32])\nr = Relu(h)\ny = Gemm(r, b[32, 3])\nreturn y"

  private func labelled() throws -> Archive {
    try Archive([
      Tensor(name: "x", floats: scattered(96, columns: 4), shape: [96, 4]),
      Tensor(name: "label", int64s: (0..<96).map { Int64($0 % 3) }),
    ])
  }

  private func pass(_ criterion: String, on archive: Archive, seed: Int?) throws -> PrunePass {
    var values: [String: OptionValue] = [
      "ratio": .number(0.5), "round_to": .integer(1), "criterion": .text(criterion), "data": .text(archive.path),
      "samples": .integer(64), "damping": .number(0.1),
    ]
    if let seed { values["seed"] = .integer(seed) }
    return try PrunePass(options(values))
  }

  @Test("a pass by options decides as one by values", arguments: ["obspa", "hessian"])
  func sameDecision(criterion: String) throws {
    let model = try GraphText.model(Self.network, scalesWeights: true)
    let archive = try labelled()
    let path = archive.path
    var selection = SelectionOptions(ratio: 0.5)
    selection.roundTo = 1
    let calibration = PruneCalibration(damping: 0.1) { model, context in
      try CalibrationData(
        ArrayDataset(archive: path), for: model, limit: 64, loss: .crossEntropy, seed: context.seed)
    }
    let byValues = PrunePass(selection, scoring: try Scoring(named: criterion), calibration: calibration, seed: 5)
    #expect(try removed(pass(criterion, on: archive, seed: 5), of: model) == removed(byValues, of: model))
  }

  @Test("the seed is that of probes and samples too, and the pipeline's where there is none")
  func seed() throws {
    let model = try GraphText.model(Self.network, scalesWeights: true)
    let archive = try labelled()
    let byOption = try removed(pass("hessian", on: archive, seed: 5), of: model)
    let byContext = try removed(pass("hessian", on: archive, seed: nil), of: model, seed: 5)
    let byNeither = try removed(pass("hessian", on: archive, seed: nil), of: model)
    #expect(byOption == byContext)
    #expect(byOption != byNeither)
  }
}
