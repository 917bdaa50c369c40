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

  private func compare(
    _ settings: CriteriaComparison.Settings, of text: String = CriteriaComparisonTests.network
  ) throws -> CriteriaComparison {
    let model = try GraphText.model(text)
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

  @Test("shares are of the parameters and of the MACs")
  func shares() throws {
    let comparison = try compare(settings { $0.targets = [.parameters(.fraction(0.6))] })
    // 5 filters of 17 numbers, as many rows of 3, and 3 biases are 103 of 163; 4 are 83.
    #expect(comparison.rows[0].parametersShare == 1)
    #expect(comparison.rows[1].parameters == 83 && comparison.rows[1].parametersShare == 83.0 / 163)
    #expect(comparison.rows[1].macsShare < 0.6)
  }

  @Test(
    "rounds and weighed groups leave what pruning leaves", arguments: ["l1", "wanda", "obspa", "ziplm"],
    [LayerRepair.none, .sequential])
  func sameAsPruning(criterion: String, repair: LayerRepair) throws {
    let text = """
      x: float[N, 1, 4, 4]
      f = Flatten(x)
      h = Gemm(f, u[16, 12], p[12])
      r = Relu(h)
      i = Gemm(r, v[12, 10], q[10])
      s = Relu(i)
      y = Gemm(s, w[10, 3], a[3])
      return y
      """
    let scoring = try Scoring(named: criterion)
    let settings = self.settings {
      $0.scorings = [scoring]
      $0.repairs = [repair]
      $0.selection.scope = .global
      $0.rounds = 3
      $0.weighsGroups = true
    }
    let comparison = try compare(settings, of: text)

    var model = try GraphText.model(text)
    let samples = try CalibrationData(data(48, seed: 1), for: model, loss: .crossEntropy)
    var calibration = PruneCalibration { _, _ in samples }
    calibration.repair = repair == .none ? .none : .order(.sequential)
    calibration.weighsGroups = true
    let context = Context(model: model, source: Context.Source(path: "model.onnx"))
    let report = try PrunePass(settings.selection, scoring: scoring, calibration: calibration, rounds: 3)
      .run(&model, in: context)
    let metrics = try Evaluation(.crossEntropy)(model, on: data(40, seed: 2))
    #expect(comparison.rows[1].parameters == report.plan?.after.parameters)
    #expect(abs(comparison.rows[1].score.loss - metrics.loss) <= 1e-4 * metrics.loss)
  }

  @Test("synaptic flow leaves in rounds what it does not at once", arguments: [(1, 11), (100, 12)])
  func rounds(count: Int, parameters: Int) throws {
    var model = try GraphText.model(
      """
      x: float[N, 2]
      h = MatMul(x, a[2, 4])
      r = Relu(h)
      i = MatMul(r, b[4, 32])
      s = Relu(i)
      y = MatMul(s, c[32, 2])
      return y
      """)
    for index in model.graph.initializers.indices {
      let tensor = model.graph.initializers[index].tensor
      model.graph.initializers[index].tensor = Tensor(
        name: tensor.name, floats: [Float](repeating: 1, count: tensor.elementCount), shape: tensor.shape)
    }
    let samples = try ArrayDataset([
      "x": Tensor(floats: [1, 2, 3, 4], shape: [2, 2]), "label": Tensor(int64s: [0, 1]),
    ])
    let flow = try Scoring(named: "synflow")
    let comparison = try CriteriaComparison(
      of: model, calibration: CalibrationData(samples, for: model, loss: .crossEntropy), test: samples,
      settings: settings {
        $0.scorings = [flow]
        $0.targets = [.ratio(0.9)]
        $0.selection.scope = .global
        $0.selection.minimumKeepShare = 0
        $0.rounds = count
      })
    // At once three channels of the narrow layer and one of the wide one are left, in rounds two of each.
    #expect(comparison.rows[1].parameters == parameters)
  }

  /// How often progress is told of each work.
  private func works(_ settings: CriteriaComparison.Settings) throws -> [String: Int] {
    let model = try GraphText.model(Self.network)
    let calibration = try CalibrationData(data(48, seed: 1), for: model, loss: .crossEntropy)
    var counts: [String: Int] = [:]
    _ = try CriteriaComparison(
      of: model, calibration: calibration, test: data(40, seed: 2), settings: settings
    ) { work, _, _ in counts[work, default: 0] += 1 }
    return counts
  }

  @Test("groups are weighed once for all targets and repairs, in any number of rounds")
  func weighedOnce() throws {
    let once = try works(settings { $0.weighsGroups = true })["trying groups"]
    #expect(once != nil)
    for (rounds, work) in [(1, "trying groups"), (2, "round 1 of 2: trying groups")] {
      let counts = try works(
        settings {
          $0.targets = [.ratio(0.25), .ratio(0.5)]
          $0.repairs = [.none, .sequential]
          $0.rounds = rounds
          $0.weighsGroups = true
        })
      #expect(counts[work] == once)
      #expect(counts["round 2 of 2: trying groups"] == nil)
    }
  }

  @Test("rounds look at the repaired model where scores presume a repair, and where there is one")
  func repairedRounds() throws {
    func repairs(_ criterion: String, _ repairs: [LayerRepair]) throws -> Int {
      let scoring = try Scoring(named: criterion)
      let counts = try works(
        settings {
          $0.scorings = [scoring]
          $0.repairs = repairs
          $0.rounds = 2
        })
      return counts["round 2 of 2: repairing"] ?? 0
    }
    #expect(try repairs("obspa", [.none, .sequential]) > 0)
    #expect(try repairs("obspa", [.none]) == 0)
    #expect(try repairs("l1", [.sequential]) == 0)
  }

  @Test("numbers of rounds out of range are refused", arguments: [0, 1001])
  func range(rounds: Int) {
    #expect(throws: PassError.self) { try compare(settings { $0.rounds = rounds }) }
  }

  @Test("a budget out of reach is told as such")
  func impossible() throws {
    #expect(throws: PassError.self) { try compare(settings { $0.targets = [.macs(.fraction(0.001))] }) }
  }
}
