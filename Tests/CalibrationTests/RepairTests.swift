import Analysis
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// The repair of whole models, on graphs small enough to know what it must come to.
@Suite("Repair")
struct RepairTests {
  // MARK: Channels that others make

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let shape: [Int]
    let redundancies: [Redundancy]
    /// Layers behind the cuts.
    let layers: Int
  }

  static let cases: [Case] = [
    Case(
      testDescription: "convolutions",
      text: """
        x: float[N, 3, 6, 6]
        h = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(h)
        y = Conv(r, b[4, 8, 3, 3], d[4]) { pads: [1, 1, 1, 1] strides: [2, 2] }
        return y
        """, shape: [64, 3, 6, 6],
      redundancies: [Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "Gemm",
      text: """
        x: float[N, 6]
        h = Gemm(x, a[6, 10], c[10])
        r = Relu(h)
        y = Gemm(r, b[4, 10], d[4]) { transB: 1 }
        return y
        """, shape: [200, 6],
      redundancies: [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "MatMul and Add",
      text: """
        x: float[N, 3, 6]
        h = MatMul(x, a[6, 10])
        k = Add(h, c[10])
        r = Relu(k)
        m = MatMul(r, b[10, 4])
        y = Add(m, d[4])
        return y
        """, shape: [100, 3, 6],
      redundancies: [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "MatMul without anything to add to",
      text: """
        x: float[N, 3, 6]
        h = MatMul(x, a[6, 10])
        r = Relu(h)
        y = MatMul(r, b[10, 4])
        return y
        """, shape: [100, 3, 6], redundancies: [Redundancy(weight: "a", axis: 1)], layers: 1),
    Case(
      testDescription: "a concatenation",
      text: """
        x: float[N, 3, 4, 4]
        p = Conv(x, a[4, 3, 3, 3]) { pads: [1, 1, 1, 1] }
        q = Conv(x, b[6, 3, 1, 1], c[6])
        u = Relu(p)
        v = Relu(q)
        j = Concat(u, v) { axis: 1 }
        y = Conv(j, w[3, 10, 1, 1], d[3])
        return y
        """, shape: [64, 3, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0), Redundancy(weight: "b", axis: 0), Redundancy(weight: "c", axis: 0),
      ], layers: 1),
    Case(
      testDescription: "a residual stream",
      text: """
        x: float[N, 3, 4, 4]
        s = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(s)
        h = Conv(r, b[8, 8, 3, 3], d[8]) { pads: [1, 1, 1, 1] }
        t = Add(s, h)
        u = Relu(t)
        y = Conv(u, e[3, 8, 1, 1], f[3])
        return y
        """, shape: [64, 3, 4, 4],
      redundancies: ["a", "b", "c", "d"].map { Redundancy(weight: $0, axis: 0) }, layers: 2),
    Case(
      testDescription: "a bias that is a copy of another",
      text: """
        x: float[N, 6]
        q = Identity(d[8])
        h = Gemm(x, a[6, 8], d)
        r = Relu(h)
        i = Gemm(r, b[8, 8], q)
        s = Relu(i)
        y = Gemm(s, e[8, 3], f[3])
        return y
        """, shape: [300, 6],
      redundancies: [
        Redundancy(weight: "a", axis: 1), Redundancy(weight: "d", axis: 0), Redundancy(weight: "b", axis: 1),
      ], layers: 2),
    Case(
      testDescription: "a layer pruned on both axes",
      text: """
        x: float[N, 6]
        h = Gemm(x, a[6, 8], c[8])
        r = Relu(h)
        i = Gemm(r, b[8, 10], d[10])
        s = Relu(i)
        y = Gemm(s, e[10, 3], f[3])
        return y
        """, shape: [300, 6],
      redundancies: [
        Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0), Redundancy(weight: "b", axis: 1),
        Redundancy(weight: "d", axis: 0),
      ], layers: 2),
    Case(
      testDescription: "a product behind a flattening",
      text: """
        x: float[N, 3, 2, 2]
        h = Conv(x, a[6, 3, 1, 1], c[6])
        r = Relu(h)
        f = Flatten(r)
        y = Gemm(f, b[24, 4], d[4])
        return y
        """, shape: [300, 3, 2, 2],
      redundancies: [Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "a convolution in groups",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        r = Relu(h)
        y = Conv(r, b[6, 4, 3, 3], d[6]) { group: 2 pads: [1, 1, 1, 1] }
        return y
        """, shape: [64, 4, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0, blocks: 2), Redundancy(weight: "c", axis: 0, blocks: 2),
      ], layers: 1),
    Case(
      testDescription: "a transposed convolution",
      text: """
        x: float[N, 3, 4, 4]
        h = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(h)
        y = ConvTranspose(r, b[8, 4, 3, 3], d[4]) { strides: [2, 2] pads: [1, 1, 1, 1] output_padding: [1, 1] }
        return y
        """, shape: [64, 3, 4, 4],
      redundancies: [Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "a transposed convolution in groups",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        r = Relu(h)
        y = ConvTranspose(r, b[8, 3, 3, 3]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] }
        return y
        """, shape: [64, 4, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0, blocks: 2), Redundancy(weight: "c", axis: 0, blocks: 2),
      ], layers: 1),
    Case(
      testDescription: "a convolution that ONNX Runtime's optimizer may fuse with an activation, without one",
      text: """
        x: float[N, 3, 6, 6]
        h = Conv(x, a[8, 3, 3, 3], c[8]) { pads: [1, 1, 1, 1] }
        r = Relu(h)
        y = ms:FusedConv(r, b[4, 8, 3, 3], d[4]) { pads: [1, 1, 1, 1] strides: [2, 2] }
        return y
        """, shape: [64, 3, 6, 6],
      redundancies: [Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0)], layers: 1),
    Case(
      testDescription: "a depthwise convolution",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        g = Conv(h, k[8, 1, 3, 3]) { group: 8 pads: [1, 1, 1, 1] }
        r = Relu(g)
        y = Conv(r, b[3, 8, 1, 1], d[3])
        return y
        """, shape: [64, 4, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0),
        Redundancy(weight: "k", axis: 0, scales: false),
      ], layers: 2),
    Case(
      testDescription: "a depthwise transposed convolution",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        g = ConvTranspose(h, k[8, 1, 3, 3]) { group: 8 strides: [2, 2] pads: [1, 1, 1, 1] }
        r = Relu(g)
        y = Conv(r, b[3, 8, 1, 1], d[3])
        return y
        """, shape: [64, 4, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0),
        Redundancy(weight: "k", axis: 0, scales: false),
      ], layers: 2),
    Case(
      testDescription: "a depthwise transposed convolution that makes two of each channel",
      text: """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        g = ConvTranspose(h, k[8, 2, 3, 3]) { group: 8 strides: [2, 2] pads: [1, 1, 1, 1] }
        r = Relu(g)
        y = Conv(r, b[3, 16, 1, 1], d[3])
        return y
        """, shape: [64, 4, 4, 4],
      redundancies: [
        Redundancy(weight: "a", axis: 0), Redundancy(weight: "c", axis: 0),
        Redundancy(weight: "k", axis: 0, scales: false), Redundancy(weight: "k", axis: 1),
      ], layers: 2),
  ]

  private func model(_ example: Case) throws -> Model {
    try GraphText.model(example.text).repeating(example.redundancies)
  }

  @Test(
    "where removed channels are others times a number the repaired model equals the one it was",
    arguments: cases, Repair.Order.allCases)
  func redundantChannels(example: Case, order: Repair.Order) throws {
    let pruned = try PrunedModel(try model(example))
    let x = randomInput(example.shape)
    let (repaired, report) = try pruned.repaired(on: x, order)
    #expect(report.layers.count == example.layers && report.skipped.isEmpty)
    #expect(report.layers.allSatisfy { $0.error <= 1e-4 })
    let expected = try pruned.dense.outputs(x)
    #expect(try relativeError(pruned.model.outputs(x), expected) > 0.02)
    #expect(try relativeError(repaired.outputs(x), expected) <= 1e-3)
    // It holds of samples nobody has seen too.
    let others = randomInput(example.shape, seed: 2)
    #expect(try relativeError(repaired.outputs(others), pruned.dense.outputs(others)) <= 1e-2)
  }

  @Test(
    "a layer whose bias is no vector of constants stays as it is, with the reason",
    arguments: ["y = Gemm(r, b[8, 3], d[1])", "y = Gemm(r, b[8, 3], d[3]) { beta: 0.5 }"])
  func otherBias(layer: String) throws {
    let text = "x: float[N, 6]\nh = Gemm(x, a[6, 8], c[8])\nr = Relu(h)\n\(layer)\nreturn y"
    let redundant = [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)]
    let pruned = try PrunedModel(try GraphText.model(text).repeating(redundant))
    let (repaired, report) = try pruned.repaired(on: randomInput([100, 6]))
    #expect(repaired.contents == pruned.model.contents)
    #expect(report.layers.isEmpty && report.skipped.map(\.reason).contains { $0.contains("no vector of constants") })
  }

  @Test("a copy of a bias that nothing reads after the repair goes")
  func copiedBias() throws {
    let text =
      "x: float[N, 6]\nq = Identity(d[3])\nh = Gemm(x, a[6, 8], c[8])\nr = Relu(h)\ny = Gemm(r, b[8, 3], q)\nreturn y"
    let redundant = [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)]
    let pruned = try PrunedModel(try GraphText.model(text).repeating(redundant))
    let repaired = try pruned.repaired(on: randomInput([100, 6])).model
    #expect(pruned.model.graph.nodes.map(\.opType) == ["Identity", "Gemm", "Relu", "Gemm"])
    #expect(repaired.graph.nodes.map(\.opType) == ["Gemm", "Relu", "Gemm"])
    #expect(repaired.graph.initializers.count == 4)
  }

  @Test("the models that are given do not change", arguments: Repair.Order.allCases)
  func inputsStay(order: Repair.Order) throws {
    for example in Self.cases {
      let pruned = try PrunedModel(try model(example))
      let (whole, cut) = (pruned.dense.contents, pruned.model.contents)
      let repaired = try pruned.repaired(on: randomInput(example.shape), order).model
      #expect(pruned.dense.contents == whole && pruned.model.contents == cut)
      #expect(repaired.contents != cut)
    }
  }

  @Test(
    "a depthwise convolution whose inputs are what they were keeps its kernels",
    arguments: cases.filter { $0.testDescription.contains("depthwise") }, Repair.Order.allCases)
  func depthwise(example: Case, order: Repair.Order) throws {
    let pruned = try PrunedModel(try model(example))
    let repaired = try pruned.repaired(on: randomInput(example.shape), order).model
    #expect(try relativeError(repaired.numbers("k"), pruned.model.numbers("k")) <= 1e-3)
  }

  /// What is left of a convolution in groups, and of each of them.
  struct GroupedKeep: Sendable {
    let groups: [Int]
    let inputs: [Int]
    let outputs: [Int]
  }

  @Test(
    "a transposed convolution that has lost groups and channels of each makes the channels that are left",
    arguments: [
      GroupedKeep(groups: [0, 1], inputs: [0], outputs: [0]), GroupedKeep(groups: [1, 3], inputs: [1], outputs: [2]),
    ])
  func transposedGroups(kept: GroupedKeep) throws {
    // The second channel of each group is half of the first one.
    let dense = try GraphText.model(
      """
      x: float[N, 4, 4, 4]
      h = Conv(x, a[8, 4, 1, 1], c[8])
      r = Relu(h)
      t = ConvTranspose(r, b[8, 3, 2, 2], d[12]) { group: 4 strides: [2, 2] }
      y = Conv(t, e[3, 12, 1, 1], f[3])
      return y
      """
    ).repeating([Redundancy(weight: "a", axis: 0, blocks: 4), Redundancy(weight: "c", axis: 0, blocks: 4)])
    // Four groups of two channels that are read and three that are made.
    let pruned = try PrunedModel(dense, keptBySize: [4: kept.groups, 2: kept.inputs, 3: kept.outputs])
    let sites = RepairSites(
      LinearLayers(dense, pruned.analysis), pruned.analysis, keep: pruned.keep, pruned: pruned.model)
    try #require(sites.all.count == 2)
    let site = sites.all[0]
    let outputs = kept.groups.flatMap { group in kept.outputs.map { group * 3 + $0 } }
    #expect(site.keptInputs == kept.groups.flatMap { group in kept.inputs.map { group * 2 + $0 } })
    #expect(site.keptOutputs == outputs)
    #expect(site.groups == 2 && site.rows == 1 && site.columns == 4)
    let x = randomInput([64, 4, 4, 4])
    let (repaired, report) = try pruned.repaired(on: x)
    #expect(try #require(report.layers.first).error <= 1e-4)
    let found = try #require(try repaired.run(x, showing: ["t"])["t"]?.doubles())
    let whole = try #require(try dense.run(x, showing: ["t"])["t"]?.doubles())
    let plane = 64
    let expected = whole.indices.filter { outputs.contains($0 / plane % 12) }.map { whole[$0] }
    #expect(relativeError(found, expected) <= 1e-3)
  }

  // MARK: Where nothing is removed

  /// Two branches that have nothing to do with each other.
  private static let branches = """
    x: float[N, 6]
    h = Gemm(x, a[6, 8])
    r = Relu(h)
    y = Gemm(r, b[8, 3])
    k = Gemm(x, c[6, 8])
    s = Relu(k)
    z = Gemm(s, d[8, 3])
    return y, z
    """

  @Test("where nothing is removed nothing changes", arguments: Repair.Order.allCases)
  func nothingRemoved(order: Repair.Order) throws {
    let dense = try GraphText.model(Self.branches)
    let analysis = try ModelAnalysis(dense)
    let keep = KeepSets()
    let model = try dense.keeping(keep, analysis: analysis)
    var options = Repair.Options()
    options.order = order
    let (repaired, report) = try Repair(of: dense, analysis, keep: keep, options: options)(
      model, on: CalibrationData(randomInput([50, 6])))
    #expect(report.layers.isEmpty && report.skipped.isEmpty)
    #expect(repaired.contents == dense.contents)
    #expect(repaired.graph.nodes.map(\.inputs) == dense.graph.nodes.map(\.inputs))
  }

  @Test("layers that are not behind a cut stay to the bit", arguments: Repair.Order.allCases)
  func otherBranch(order: Repair.Order) throws {
    let pruned = try PrunedModel(try GraphText.model(Self.branches), kept: [0, 1, 2, 3])
    let (repaired, report) = try pruned.repaired(on: randomInput([200, 6]), order)
    #expect(report.layers.count == 1)
    let (before, after) = (pruned.model.contents, repaired.contents)
    for name in ["a", "c", "d"] { #expect(after[name] == before[name], "\(name) changed") }
    #expect(after["b"] != before["b"])
  }

  // MARK: What is left alone

  @Test("a weight that two layers share is reported as skipped and left alone", arguments: Repair.Order.allCases)
  func sharedWeight(order: Repair.Order) throws {
    let text = """
      x: float[N, 6]
      h = MatMul(x, a[6, 8])
      y = MatMul(h, w[8, 3])
      k = MatMul(x, b[6, 8])
      z = MatMul(k, w)
      return y, z
      """
    let pruned = try PrunedModel(try GraphText.model(text))
    let (repaired, report) = try pruned.repaired(on: randomInput([100, 6]), order)
    #expect(report.layers.isEmpty)
    #expect(report.skipped.count == 2)
    #expect(report.skipped.allSatisfy { $0.reason.contains("weight w") && $0.reason.contains("shared") })
    #expect(repaired.contents == pruned.model.contents)
  }

  // MARK: Errors

  /// Three layers, the two inner groups cut by half.
  private func network(seed: UInt64) throws -> (pruned: PrunedModel, x: Tensor) {
    let text = """
      x: float[N, 6]
      h = Gemm(x, a[6, 16], c[16])
      r = Relu(h)
      i = Gemm(r, b[16, 16], d[16])
      s = Relu(i)
      y = Gemm(s, e[16, 5], f[5])
      return y
      """
    var numbers = Numbers(seed: seed)
    var model = try GraphText.model(text)
    try model.fill("a", numbers.floats(96))
    try model.fill("c", numbers.floats(16))
    try model.fill("b", numbers.floats(256).map { $0 / 2 })
    try model.fill("d", numbers.floats(16))
    try model.fill("e", numbers.floats(80))
    try model.fill("f", numbers.floats(5))
    return (try PrunedModel(model), numbers.tensor([256, 6]))
  }

  @Test(
    "on the calibration samples seq is no worse than par, and par no worse than slicing",
    arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64], [1e-8, 0.01])
  func ordersOfRepair(seed: UInt64, damping: Double) throws {
    let (pruned, x) = try network(seed: seed)
    let expected = try pruned.dense.outputs(x)
    func error(_ model: Model) throws -> Double { meanSquaredDifference(try model.outputs(x), expected) }
    let sliced = try error(pruned.model)
    let parallel = try error(try pruned.repaired(on: x, .parallel, damping: damping).model)
    let sequential = try error(try pruned.repaired(on: x, .sequential, damping: damping).model)
    #expect(sequential <= parallel && parallel <= sliced, "\(sequential), \(parallel), \(sliced)")
  }

  @Test("the error that is reported of the last layer is the model's, in seq")
  func reportedError() throws {
    let (pruned, x) = try network(seed: 1)
    let (repaired, report) = try pruned.repaired(on: x, .sequential, damping: 0.01)
    let outputs = DenseMatrix(256, 5, try pruned.dense.outputs(x))
    let left = DenseMatrix(256, 5, try repaired.outputs(x)) - outputs
    let last = try #require(report.layers.last)
    #expect(relativeError([last.error], [left.squaredNorm / outputs.centred.squaredNorm]) <= 1e-3)
  }

  @Test("the same seed and samples give the same model to the bit", arguments: Repair.Order.allCases)
  func reproducible(order: Repair.Order) throws {
    let (pruned, x) = try network(seed: 1)
    #expect(try pruned.repaired(on: x, order).model.contents == pruned.repaired(on: x, order).model.contents)
  }

  @Test("progress may stop the work, and tells of all of it otherwise", arguments: Repair.Order.allCases)
  func progress(order: Repair.Order) throws {
    struct Stop: Error {}
    let (pruned, x) = try network(seed: 1)
    var options = Repair.Options()
    options.order = order
    let repair = Repair(of: pruned.dense, pruned.analysis, keep: pruned.keep, options: options)
    #expect(throws: Stop.self) {
      try repair(pruned.model, on: CalibrationData(x)) { _, _, _ in throw Stop() }
    }
    var (done, all) = (0, 1)
    _ = try repair(pruned.model, on: CalibrationData(x)) { _, finished, whole in (done, all) = (finished, whole) }
    #expect(done == all)
  }
}

extension PrunedModel {
  /// - Parameter kept: channels of the group of each size; no two groups have the same.
  fileprivate init(_ dense: Model, keptBySize kept: [Int: [Int]]) throws {
    let analysis = try ModelAnalysis(dense)
    try #require(analysis.groups.map(\.size).sorted() == kept.keys.sorted())
    var keep = KeepSets()
    for group in analysis.groups { keep[group.dimension] = kept[group.size]?.map { Int32($0) } }
    model = try dense.keeping(keep, analysis: analysis)
    self.dense = dense
    self.analysis = analysis
    self.keep = keep
  }
}
