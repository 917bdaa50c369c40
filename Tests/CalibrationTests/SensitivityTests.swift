import Analysis
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

@Suite("Sensitivity")
struct SensitivityTests {
  /// Three groups, of 100, 6 and 8 channels; the name of the second one is where that of the first begins.
  private static let text = """
    x: float[N, 3, 2, 2]
    h = Conv(x, a/b[100, 3, 1, 1])
    r = Relu(h)
    i = Conv(r, a[6, 100, 1, 1])
    s = Relu(i)
    j = Conv(s, c[8, 6, 1, 1])
    t = Relu(j)
    y = Conv(t, d[2, 8, 1, 1])
    z = Sub(y, y)
    return y, z
    """

  private func sensitivity(_ ratios: [Double] = [0.5]) throws -> Sensitivity {
    let model = try GraphText.model(Self.text, scalesWeights: true)
    var options = Sensitivity.Options()
    options.ratios = ratios
    options.repair = nil
    options.runtime = RuntimeOptions(workers: .one)
    return Sensitivity(
      model, try ModelAnalysis(model), data: CalibrationData(randomInput([20, 3, 2, 2])), options: options)
  }

  /// E‖ŷ − y‖² / E‖y − E[y]‖² of the first output: the second one is always zero.
  private func error(of model: Model, from whole: Model, on x: Tensor) throws -> Double {
    let now = try #require(try model.run(x)["y"]?.doubles())
    let before = try #require(try whole.run(x)["y"]?.doubles())
    let mean = before.reduce(0, +) / Double(before.count)
    let variance = before.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(before.count)
    return meanSquaredDifference(now, before) / variance
  }

  @Test(
    "the error of outputs is the same however samples are cut into batches, and whatever is kept of them",
    arguments: [1, 3, 20], [0, 300, 1 << 20])
  func batches(size: Int, keptBytes: Int) throws {
    let pruned = try PrunedModel(try GraphText.model(Self.text, scalesWeights: true))
    let x = randomInput([20, 3, 2, 2])
    let outputs = try ReferenceOutputs(
      of: pruned.dense, on: CalibrationData(x), batch: size, runtime: RuntimeOptions(workers: .one),
      keptBytes: keptBytes)
    let expected = try error(of: pruned.model, from: pruned.dense, on: x)
    let found = try outputs.error(of: pruned.model)
    #expect(expected > 0.001)
    #expect(relativeError([found], [expected]) < 1e-4)
    #expect(try outputs.error(of: pruned.dense) < 1e-9)
  }

  /// The rules for the first two groups, of which the first one loses nothing.
  private func rules(as form: Sensitivity.RuleForm) throws -> [Rule] {
    let points = [
      Sensitivity.Point(group: 0, ratio: 0.25, kept: 75, outputError: 0.3),
      Sensitivity.Point(group: 0, ratio: 0.5, kept: 50, outputError: .nan),
      Sensitivity.Point(group: 1, ratio: 0.25, kept: 5, outputError: 0.02),
      Sensitivity.Point(group: 1, ratio: 0.5, kept: 3, outputError: 0.04),
    ]
    return try sensitivity().rules(points, within: 0.05, as: form)
  }

  @Test("rules hold the largest shares within the error, names before what is below them")
  func bounds() throws {
    let rules = try rules(as: .bounds)
    #expect(rules.map(\.text) == ["group=channel:a:max-ratio=0.5", "group=channel:a/b:keep"])
    for rule in rules { #expect(try Rule(parsing: rule.text) == rule) }
  }

  @Test("rules as ratios keep what was not tried, and do not round")
  func ratios() throws {
    let rules = try rules(as: .ratios)
    #expect(
      rules.map(\.text) == ["group=**:keep", "group=channel:a:ratio=0.5,round-to=1", "group=channel:a/b:keep"])
    for rule in rules { #expect(try Rule(parsing: rule.text) == rule) }
  }

  @Test("rules as ratios of what was tried remove just that, whatever the ratio asked for", arguments: [0.1, 0.9])
  func selection(ratio: Double) throws {
    let sensitivity = try sensitivity([0.29])
    let analysis = sensitivity.analysis
    let scoring = Scoring.magnitude(p: 2)
    let scored = try scoring.scores(of: [0, 1], in: analysis)
    let points = try sensitivity.points(scored.entries.map { (group: $0.group, scores: $0.normalized) })
    #expect(points.map(\.kept) == [71, 5])
    var options = SelectionOptions(ratio: ratio)
    options.rules = sensitivity.rules(points, within: .infinity, as: .ratios)
    let selection = try Selection(analysis: analysis, scoring: scoring, options: options)
    #expect(selection.decisions.map(\.group) == [0, 1])
    #expect(selection.decisions.map(\.keep.count) == [71, 5])
  }
}
