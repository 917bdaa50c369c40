import Calibration
import Passes
import Synchronization
import TestSupport
import Testing
import Training

@testable import Pruning

@Suite("prune in rounds")
struct PruneRoundsTests {
  /// A narrow layer and a wide one, through which the same flows.
  private static let bottle = """
    x: float[N, 2]
    h = MatMul(x, a[2, 4])
    r = Relu(h)
    i = MatMul(r, b[4, 32])
    s = Relu(i)
    y = MatMul(s, c[32, 2])
    return y
    """

  private func evenBottle() throws -> Model {
    var model = try GraphText.model(Self.bottle)
    for (name, count) in [("a", 8), ("b", 128), ("c", 64)] {
      try model.fill(name, [Float](repeating: 1, count: count))
    }
    return model
  }

  private func widths(rounds: Int) throws -> [Int] {
    var options = SelectionOptions(ratio: 0.9)
    options.roundTo = 1
    options.scope = .global
    options.minimumKeepShare = 0
    let scoring = try Scoring(named: "synflow")
    var model = try evenBottle()
    let record = try run(PrunePass(options, scoring: scoring, rounds: rounds), on: &model)
    return record.report.plan?.groups.map(\.keep.count) ?? []
  }

  @Test("synaptic flow empties a wide layer at once, and none in rounds")
  func layerCollapse() throws {
    // Each of n channels has an nth of the flow: 31 of 32 and one of 4 go at once. One by one, the wider loses next.
    #expect(try widths(rounds: 1) == [3, 1])
    #expect(try widths(rounds: 100) == [2, 2])
  }

  /// What was going on, each once, in order.
  private func phases(_ pass: PrunePass) throws -> [String] {
    let phases = Mutex<[String]>([])
    var model = try GraphText.model(Self.bottle)
    var context = Context(model: model, source: Context.Source(path: "model.onnx"))
    context.progress = ProgressHandler { update in
      phases.withLock { if !$0.contains(update.phase) { $0.append(update.phase) } }
    }
    try Pipeline([pass]).run(&model, in: context)
    return phases.withLock { $0 }
  }

  @Test("progress says which round it is; groups are weighed in the first")
  func progress() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    var calibration = PruneCalibration { _, _ in samples(scattered(16, columns: 2), shape: [2]) }
    calibration.weighsGroups = true
    let found = try phases(PrunePass(options, calibration: calibration, rounds: 2))
    #expect(found.filter { $0.hasSuffix("trying groups") } == ["round 1 of 2: trying groups"])
    #expect(found.filter { $0.hasSuffix("scoring") } == ["round 1 of 2: scoring", "round 2 of 2: scoring"])
  }

  @Test("criteria that look at data measure the model of every round")
  func measurements() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    let calibration = PruneCalibration { _, _ in samples(scattered(16, columns: 2), shape: [2]) }
    let found = try phases(
      PrunePass(options, scoring: try Scoring(named: "wanda"), calibration: calibration, rounds: 3))
    #expect(found.count(where: { $0.hasSuffix("inputs of layers") }) == 3)
  }

  @Test("scores that presume a repair are of the repaired model, unless nothing is repaired")
  func repairedRounds() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    var calibration = PruneCalibration { _, _ in samples(scattered(64, columns: 2), shape: [2]) }
    let scoring = try Scoring(named: "obspa")
    let found = try phases(PrunePass(options, scoring: scoring, calibration: calibration, rounds: 3))
    #expect(
      found.filter { $0.hasSuffix("repairing") } == [
        "round 2 of 3: repairing", "round 3 of 3: repairing", "repairing",
      ])
    calibration.repair = .none
    let unrepaired = try phases(PrunePass(options, scoring: scoring, calibration: calibration, rounds: 3))
    #expect(!unrepaired.contains { $0.hasSuffix("repairing") })
  }

  /// Ten channels that are copies of three, of very different sizes: what is left after a round makes up for the rest
  /// only where the repair is looked at too.
  @Test("what a round repaired is not paid for once more", arguments: ["obspa", "ziplm"])
  func copies(criterion: String) throws {
    var model = try GraphText.model(
      """
      x: float[N, 3]
      h = MatMul(x, a[3, 10])
      r = Relu(h)
      y = MatMul(r, b[10, 2])
      return y
      """)
    // Columns of `a` are multiples of three directions.
    let directions: [[Float]] = [[1, -2, 1], [-1, 1, 2], [2, 1, -1]]
    let copies = (0..<10).map { (direction: $0 % 3, size: Float(1 + $0)) }
    try model.fill("a", (0..<3).flatMap { row in copies.map { directions[$0.direction][row] * $0.size } })
    var options = SelectionOptions(ratio: 0.7)
    options.roundTo = 1
    let whole = model
    let calibration = PruneCalibration { _, _ in samples(scattered(128, columns: 3), shape: [3]) }
    _ = try run(
      PrunePass(options, scoring: try Scoring(named: criterion), calibration: calibration, rounds: 4), on: &model)
    let x = Tensor(floats: scattered(60, columns: 3), shape: [60, 3])
    let comparison = try OutputComparison(expected: whole, found: model, samples: [["x": x]])
    #expect(comparison.maxRelativeError < 0.05)
  }

  @Test("a model that divides by channel stays finite in every round")
  func division() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    let text = "x: float[N, 2]\nh = MatMul(x, a[2, 16])\nd = Div(h, s[16]+)\ny = MatMul(d, b[16, 2])\nreturn y"
    var model = try GraphText.model(text)
    let analysis = try ModelAnalysis(model)
    try #require(analysis.groups.count == 1)
    let calibration = PruneCalibration { _, _ in samples(scattered(16, columns: 2), shape: [2]) }
    let record = try run(
      PrunePass(options, scoring: try Scoring(named: "wanda"), calibration: calibration, rounds: 3), on: &model)
    #expect(record.report.plan?.groups.map(\.keep.count) == [8])

    var keep = KeepSets()
    keep[analysis.groups[0].dimension] = [0, 2, 5]
    let whole = try GraphText.model(text)
    let zeroed = try ZeroedModel(whole, analysis, keeping: keep).model
    let pruned = try whole.keeping(keep, analysis: analysis)
    let x = Tensor(floats: scattered(20, columns: 2), shape: [20, 2])
    let comparison = try OutputComparison(expected: zeroed, found: pruned, samples: [["x": x]])
    #expect(comparison.maxRelativeError < 1e-4)
    #expect(comparison.outputs.allSatisfy { $0.notFiniteCount == 0 })
  }

  @Test("numbers of rounds out of range are refused, in pipelines with their place")
  func range() throws {
    for rounds in [0, 1001] {
      let text = message {
        _ = try PrunePass(options(["ratio": .number(0.5), "rounds": .integer(rounds)]))
      }
      #expect(text == "pipeline.yaml:3:5: rounds must be from 1 to 1000, not \(rounds)")
    }
    _ = try PrunePass(options(["ratio": .number(0.5), "rounds": .integer(1000)]))
    var model = try evenBottle()
    #expect(throws: PassError.self) { try run(PrunePass(SelectionOptions(ratio: 0.5), rounds: 0), on: &model) }
  }
}
