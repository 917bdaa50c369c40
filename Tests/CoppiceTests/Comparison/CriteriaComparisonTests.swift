import Calibration
import TestSupport
import Testing

@testable import Coppice

@Suite("Criteria compared")
struct CriteriaComparisonTests {
  private static let network = """
    x: float[N, 1, 4, 4]
    c = Conv(x, w[8, 1, 4, 4], b[8])
    r = Relu(c)
    f = Flatten(r)
    y = Gemm(f, v[8, 3], a[3])
    return y
    """

  private func data(_ count: Int, seed: UInt64) throws -> ArrayDataset {
    var random = CounterRandom(seed: seed)
    let pixels = (0..<(count * 16)).map { _ in Float(random.number(below: 1000)) / 500 - 1 }
    let labels = (0..<count).map { _ in Int64(random.number(below: 3)) }
    return try ArrayDataset([
      "x": Tensor(floats: pixels, shape: [count, 1, 4, 4]), "label": Tensor(int64s: labels),
    ])
  }

  private func settings(_ change: (inout CriteriaComparison.Settings) -> Void = { _ in }) -> CriteriaComparison.Settings
  {
    var settings = CriteriaComparison.Settings()
    settings.targets = [.ratio(0.5)]
    settings.selection.roundTo = 1
    change(&settings)
    return settings
  }

  private func compare(_ settings: CriteriaComparison.Settings) throws -> CriteriaComparison {
    let model = try GraphText.model(Self.network)
    let calibration = try CalibrationData(data(48, seed: 1), for: model, loss: .crossEntropy)
    return try CriteriaComparison(of: model, calibration: calibration, test: data(40, seed: 2), settings: settings)
  }

  @Test("there is a row for the model as it was and for each criterion, target and repair, in order")
  func rows() throws {
    let comparison = try compare(
      settings {
        $0.scorings = [.magnitude(p: 1), .random()]
        $0.targets = [.ratio(0.25), .ratio(0.5)]
        $0.repairs = [.none, .sequential]
      })
    #expect(comparison.rows.count == 1 + 2 * 2 * 2)
    #expect(comparison.rows[0].pruning == nil && comparison.rows[0].macsShare == 1)
    #expect(
      comparison.rows[4].pruning
        == CriteriaComparison.Pruning(criterion: "l1", target: .ratio(0.5), repair: .sequential))
    // 8 or 4 filters of 16 weights and a bias, and as many rows of 3, and 3 biases.
    #expect(comparison.rows[0].parameters == 163 && comparison.rows[3].parameters == 83)
    #expect(comparison.rows[3].macsShare < comparison.rows[1].macsShare && comparison.rows[1].macsShare < 1)
  }

  @Test("scores are those of the models that plans make")
  func scores() throws {
    let comparison = try compare(settings())
    let test = try data(40, seed: 2)
    var model = try GraphText.model(Self.network)
    let dense = try Evaluation(.crossEntropy)(model, on: test)
    let groups = try PruningGroups(of: model)
    let plan = try Plan(
      for: model, groups: groups, scoring: .magnitude(p: 1), target: .ratio(0.5), roundTo: 1)
    try model.apply(plan)
    let pruned = try Evaluation(.crossEntropy)(model, on: test)
    #expect(comparison.rows.map(\.score.loss) == [dense.loss, pruned.loss])
    #expect(comparison.rows.map(\.score.top1) == [dense.top1, pruned.top1])
  }

  @Test("corrupted scores are those on the corrupted data, and the same every time")
  func corruptions() throws {
    let settings = self.settings {
      $0.corruptions = [.noise, .contrast]
      $0.severity = 4
      $0.seed = 9
    }
    let comparison = try compare(settings)
    #expect(comparison.rows.allSatisfy { $0.corrupted.count == 2 })
    let noisy = try CorruptedDataset(data(40, seed: 2), .noise, severity: 4, seed: 9)
    let metrics = try Evaluation(.crossEntropy)(GraphText.model(Self.network), on: noisy)
    #expect(comparison.rows[0].corrupted[0].loss == metrics.loss)
    #expect(comparison.rows[0].corrupted[0].loss != comparison.rows[0].score.loss)
    #expect(try compare(settings) == comparison)
  }

  @Test("a criterion that looks at gradients has the labelled samples")
  func labelled() throws {
    let model = try GraphText.model(Self.network)
    let noise = try CalibrationData.noise(for: model, count: 16, seed: 1)
    let labelled = try CalibrationData(data(48, seed: 1), for: model, loss: .crossEntropy)
    let taylor = try Scoring(named: "taylor")
    let gradients = self.settings { $0.scorings = [taylor] }
    let test = try data(40, seed: 2)
    #expect(throws: TrainingError.self) {
      try CriteriaComparison(of: model, calibration: noise, test: test, settings: gradients)
    }
    let comparison = try CriteriaComparison(
      of: model, calibration: noise, labelled: labelled, test: test, settings: gradients)
    #expect(comparison.rows.count == 2)
  }

  @Test("a budget out of reach is told as such")
  func impossible() throws {
    #expect(throws: PassError.self) { try compare(settings { $0.targets = [.macs(.fraction(0.001))] }) }
  }
}
