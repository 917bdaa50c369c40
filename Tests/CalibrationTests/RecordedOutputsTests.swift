import Analysis
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// A repair that goes on from what layers made while scores were measured, against one that runs all samples.
///
/// There are 32 samples, four a run.
@Suite("Recorded outputs")
struct RecordedOutputsTests {
  struct Network: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let shape: [Int]
    /// Layers it has.
    let layers: Int
  }

  static let networks = [
    Network(
      testDescription: "convolutions",
      text: """
        x: float[N, 3, 6, 6]
        s = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(s)
        h = Conv(r, b[8, 8, 3, 3], d[8]) { pads: [1, 1, 1, 1] }
        t = Add(s, h)
        u = Relu(t)
        g = Conv(u, k[8, 1, 3, 3], m[8]) { group: 8 pads: [1, 1, 1, 1] }
        v = Relu(g)
        y = Conv(v, e[4, 8, 1, 1], f[4])
        return y
        """, shape: [32, 3, 6, 6], layers: 4),
    products,
  ]

  static let products = Network(
    testDescription: "products",
    text: """
      x: float[N, 3, 6]
      h = MatMul(x, a[6, 10])
      r = Relu(h)
      m = MatMul(r, b[10, 8])
      k = Add(m, d[8])
      s = Relu(k)
      z = MatMul(s, e[8, 4])
      y = Add(z, f[4])
      return y
      """, shape: [32, 3, 6], layers: 3)

  private var repairing: Repair.Options {
    var options = Repair.Options()
    options.batch = 4
    // So few that positions are drawn.
    options.leastRows = 8
    options.runtime = RuntimeOptions(workers: .one)
    return options
  }

  private var measuring: Measuring.Options {
    var options = Measuring.Options()
    options.batch = 4
    options.leastRows = 64
    options.runtime = RuntimeOptions(workers: .one)
    return options
  }

  /// Measures scores.
  private func record(
    _ pruned: PrunedModel, on x: Tensor, for repairing: Repair.Options, _ measuring: Measuring.Options
  ) throws -> (outputs: RecordedOutputs, evidence: Evidence) {
    var outputs: RecordedOutputs? = RecordedOutputs(for: repairing)
    let evidence = try Measuring(pruned.dense, pruned.analysis, data: CalibrationData(x), options: measuring)
      .evidence(for: OBSPA(), recording: &outputs)
    return (try #require(outputs), evidence)
  }

  /// - Returns: the repaired model's constants, and where each batch ended that the model was run on as it was.
  private func repair(
    _ pruned: PrunedModel, on x: Tensor, outputs: RecordedOutputs? = nil, batch: Int? = nil
  ) throws -> (contents: [String: [UInt8]], measured: [Int]) {
    var options = repairing
    options.batch = batch ?? options.batch
    let repair = Repair(of: pruned.dense, pruned.analysis, keep: pruned.keep, options: options)
    var measured: [Int] = []
    let (model, report) = try repair(pruned.model, on: CalibrationData(x), outputs: outputs) { work, done, _ in
      if work == "measuring" { measured.append(done) }
    }
    #expect(report.skipped.isEmpty && !report.layers.isEmpty)
    return (model.contents, measured)
  }

  // MARK: Where they are used

  @Test("the repaired model is to the bit what it is without them", arguments: networks)
  func sameModel(network: Network) throws {
    let pruned = try PrunedModel(try GraphText.model(network.text))
    let x = randomInput(network.shape)
    let outputs = try record(pruned, on: x, for: repairing, measuring).outputs
    #expect(outputs.values.count == network.layers)
    #expect(outputs.batches == stride(from: 0, to: 32, by: 4).map { $0..<($0 + 4) })
    let (expected, found) = (try repair(pruned, on: x), try repair(pruned, on: x, outputs: outputs))
    #expect(found.contents == expected.contents)
    #expect(found.contents != pruned.model.contents)
    #expect(expected.measured == Array(stride(from: 4, through: 32, by: 4)))
    #expect(found.measured.isEmpty)
  }

  @Test("scores are what they are where nothing is noted", arguments: networks)
  func scores(network: Network) throws {
    let pruned = try PrunedModel(try GraphText.model(network.text))
    let x = randomInput(network.shape)
    let found = try record(pruned, on: x, for: repairing, measuring).evidence.removalLosses
    let expected = try Measuring(pruned.dense, pruned.analysis, data: CalibrationData(x), options: measuring)
      .evidence(for: OBSPA()).removalLosses
    #expect(!expected.isEmpty && found.count == expected.count)
    // What is looked at is not fused with what follows, and may be rounded in another place.
    for (dimension, losses) in expected { #expect(relativeError(found[dimension] ?? [], losses) <= 1e-4) }
  }

  @Test("channels that are left are given once, at the rows that are asked for")
  func channels() throws {
    let pruned = try PrunedModel(try GraphText.model(Self.products.text))
    let x = randomInput(Self.products.shape)
    var repairing = repairing
    // All of three positions a sample.
    repairing.leastRows = 96
    let recorded = try record(pruned, on: x, for: repairing, measuring).outputs
    let output = try pruned.dense.value("m")
    let layer = try #require(LinearLayers(pruned.dense, pruned.analysis).all.first { $0.output == output })
    let node = pruned.dense.graph.nodes[try pruned.dense.node(making: "m")]
    func rows(seed: UInt64) -> LayerRows {
      LayerRows(layer, node: node, weightShape: [10, 8], rowLimit: 96, samples: 32, seed: seed)
    }
    var outputs = recorded
    let taken = outputs.take(output, rows(seed: 0), channels: [1, 6])
    let again = outputs.take(output, rows(seed: 0), channels: [1, 6])
    let batches = try #require(taken)
    #expect(again == nil)
    try #require(batches.count == 8)
    for (batch, lines) in batches.enumerated() {
      let samples = x.samples((batch * 4)..<(batch * 4 + 4))
      let whole = try #require(try pruned.dense.run(samples, showing: ["m"])["m"]?.doubles())
      let expected = DenseMatrix(12, 8, whole).keeping(columns: [1, 6])
      #expect(relativeError(lines.map { Double($0) }, expected.elements) <= 1e-6)
    }
    // Other rows, and channels there are none of.
    outputs = recorded
    let others = outputs.take(output, rows(seed: 1), channels: [1, 6])
    outputs = recorded
    let beyond = outputs.take(output, rows(seed: 0), channels: [1, 8])
    #expect(others == nil && beyond == nil)
  }

  // MARK: Where they are not

  /// What differs between what is noted and what the repair asks for.
  struct Difference: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let isNoted: Bool
    let apply: @Sendable (_ repairing: inout Repair.Options, _ measuring: inout Measuring.Options) -> Void
  }

  static let differences = [
    Difference(testDescription: "another seed", isNoted: true) { repairing, _ in repairing.seed = 1 },
    Difference(testDescription: "more rows a column", isNoted: true) { repairing, _ in repairing.rowsPerColumn = 6 },
    Difference(testDescription: "more rows at least", isNoted: true) { repairing, _ in repairing.leastRows = 96 },
    Difference(testDescription: "longer batches", isNoted: false) { repairing, _ in repairing.batch = 8 },
    Difference(testDescription: "no memory", isNoted: false) { repairing, _ in repairing.memoryBudget = 1 },
    Difference(testDescription: "batches of scores of another length", isNoted: false) { _, measuring in
      measuring.batch = 3
    },
  ]

  @Test("those of shorter batches are not taken for longer ones", arguments: networks)
  func longerBatches(network: Network) throws {
    let pruned = try PrunedModel(try GraphText.model(network.text))
    let x = randomInput(network.shape)
    let outputs = try record(pruned, on: x, for: repairing, measuring).outputs
    let (expected, found) = (
      try repair(pruned, on: x, batch: 8), try repair(pruned, on: x, outputs: outputs, batch: 8)
    )
    #expect(found.contents == expected.contents && found.measured == expected.measured)
  }

  @Test("those of other rows or samples are not used", arguments: networks, differences)
  func notUsed(network: Network, difference: Difference) throws {
    let pruned = try PrunedModel(try GraphText.model(network.text))
    let x = randomInput(network.shape)
    var (other, measuring) = (repairing, measuring)
    difference.apply(&other, &measuring)
    let outputs = try record(pruned, on: x, for: other, measuring).outputs
    #expect(outputs.values.isEmpty == !difference.isNoted)
    let (expected, found) = (try repair(pruned, on: x), try repair(pruned, on: x, outputs: outputs))
    #expect(found.contents == expected.contents)
    #expect(found.measured == Array(stride(from: 4, through: 32, by: 4)))
  }

  @Test("nothing is noted where samples are run several times for scores")
  func severalParts() throws {
    let pruned = try PrunedModel(try GraphText.model(Self.products.text))
    let x = randomInput(Self.products.shape)
    var measuring = measuring
    measuring.memoryBudget = 1
    let outputs = try record(pruned, on: x, for: repairing, measuring).outputs
    #expect(outputs.values.isEmpty && outputs.batches.isEmpty)
    let (expected, found) = (try repair(pruned, on: x), try repair(pruned, on: x, outputs: outputs))
    #expect(found.contents == expected.contents && found.measured == expected.measured)
  }
}
