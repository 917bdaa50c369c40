import Analysis
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// Norms over channels that were removed: mostly on graphs whose removed channels are zero, so that nothing else is
/// lost.
@Suite("Root mean square norms")
struct RootMeanSquareNormTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The nodes that make n of the stream h.
    let norm: String
    var opset: Int64 = 17
    /// Numbers of scalars by their names.
    var scalars: [String: Float] = [:]

    var text: String { RootMeanSquareNormTests.text(norm) }
  }

  /// A layer that makes the stream h, nodes behind it, and a layer that reads what they make.
  private static func text(_ nodes: String, reading output: String = "n") -> String {
    """
    x: float[N, 5]
    h = MatMul(x, a[5, 8])
    \(nodes)
    y = MatMul(\(output), b[8, 3])
    return y
    """
  }

  /// The nodes that divide h by the root of its mean square.
  private static let division = """
    s = Mul(h, h)
    m = ReduceMean(s) { axes: [-1] }
    e = Add(m, epsilon[]+)
    q = Sqrt(e)
    d = Div(h, q)
    """

  /// A norm of h, of several nodes.
  private static let chain = "\(division)\nn = Mul(d, gamma[8]+)"

  static let cases: [Case] = [
    Case(
      testDescription: "RMSNormalization", norm: "n = RMSNormalization(h, gamma[8]+) { epsilon: 0.5 }", opset: 23),
    Case(
      testDescription: "SimplifiedLayerNormalization",
      norm: "n = SimplifiedLayerNormalization(h, gamma[8]+) { axis: -1 epsilon: 0.5 }"),
    Case(
      testDescription: "SimplifiedLayerNormalization with the usual epsilon",
      norm: "n = ms:SimplifiedLayerNormalization(h, gamma[8]+)"),
    Case(
      testDescription: "SkipSimplifiedLayerNormalization",
      norm: """
        s = Mul(h, two[])
        n = ms:SkipSimplifiedLayerNormalization(h, s, gamma[8]+) { epsilon: 0.5 }
        """, scalars: ["two": 2]),
    Case(
      testDescription: "Pow, Sqrt and Div",
      norm: """
        s = Pow(h, two[])
        m = ReduceMean(s) { axes: [-1] keepdims: 1 }
        e = Add(m, epsilon[]+)
        q = Sqrt(e)
        d = Div(h, q)
        n = Mul(d, gamma[8]+)
        """, scalars: ["two": 2]),
    Case(
      testDescription: "Mul, Sqrt and Reciprocal, with axes as an input",
      norm: """
        s = Mul(h, h)
        m = ReduceMean(s, axes<-1>)
        e = Add(epsilon[1]+, m)
        q = Sqrt(e)
        r = Reciprocal(q)
        d = Mul(h, r)
        n = Mul(gamma[8]+, d)
        """, opset: 20),
    Case(
      testDescription: "the power of minus a half",
      norm: """
        s = Pow(h, two[])
        m = ReduceMean(s) { axes: [1] }
        e = Add(m, epsilon[]+)
        r = Pow(e, power[])
        d = Mul(r, h)
        n = Mul(d, gamma[8]+)
        """, scalars: ["two": 2, "power": -0.5]),
    Case(
      testDescription: "one divided by the root, and conversions, as T5 has it",
      norm: """
        c = Cast(h) { to: 1 }
        s = Pow(c, two[])
        m = ReduceMean(s) { axes: [-1] keepdims: 1 }
        e = Add(m, epsilon[]+)
        q = Sqrt(e)
        r = Div(one[], q)
        d = Mul(h, r)
        k = Cast(d) { to: 1 }
        n = Mul(gamma[8]+, k)
        """, scalars: ["two": 2, "one": 1]),
    Case(
      testDescription: "constants in nodes of their own",
      norm: """
        s = Mul(h, h)
        m = ReduceMean(s) { axes: [-1] }
        e = Add(m, !epsilon[]+)
        q = Sqrt(e)
        d = Div(h, q)
        n = Mul(d, gamma[8]+)
        """),
  ]

  /// A model without the channels from `kept` on, which are zero in it.
  private func pruned(_ dense: Model, kept: Int = 4, type: DataType = .float) throws -> PrunedModel {
    var dense = dense
    let stream = try #require(try dense.tensor("a").floats())
    try dense.fill("a", stream.enumerated().map { $0.offset % 8 < kept ? $0.element : 0 })
    if type != .float { dense.changePrecision(to: type) }
    return try PrunedModel(dense, kept: Array(0..<Int32(kept)))
  }

  private func pruned(_ text: String, type: DataType = .float) throws -> PrunedModel {
    try pruned(try GraphText.model(text), type: type)
  }

  private func model(_ example: Case) throws -> Model {
    var model = try GraphText.model(example.text, opset: example.opset)
    for (name, number) in example.scalars { try model.fill(name, [number]) }
    return model
  }

  private let samples = randomInput([20, 5])

  private func example(_ name: String) throws -> Case {
    try #require(Self.cases.first { $0.testDescription == name })
  }

  @Test("where removed channels are zero the norm is what it was", arguments: cases)
  func sameFunction(example: Case) throws {
    let pruned = try self.pruned(try model(example))
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 1 && skipped.isEmpty)
    let expected = try pruned.dense.outputs(samples)
    #expect(try relativeError(pruned.model.outputs(samples), expected) > 0.05)
    #expect(try relativeError(rescaled.outputs(samples), expected) <= 1e-6)
  }

  @Test("where a quarter is left, the scale is twice and epsilon four times as large")
  func numbers() throws {
    let fused = try self.pruned(try model(try example("RMSNormalization")), kept: 2)
    let node = try fused.model.node(making: "n")
    let scale = try #require(fused.model.constant(node: node, input: 1)?.floats())
    let rescaled = try fused.rescaled().model
    #expect(rescaled.constant(node: node, input: 1)?.floats() == scale.map { 2 * $0 })
    #expect(rescaled.graph.nodes[node].float("epsilon") == 2)

    let chain = try self.pruned(try model(try example("Pow, Sqrt and Div")), kept: 2)
    let sum = try chain.model.node(making: "e")
    let epsilon = try #require(chain.model.constant(node: sum, input: 1)?.floats())
    #expect(try chain.rescaled().model.constant(node: sum, input: 1)?.floats() == epsilon.map { 4 * $0 })
  }

  // MARK: Channels that are not zero

  /// γ and ε of a model's only norm.
  private func constants(_ model: Model) throws -> [Double] {
    let norm = try #require(RootMeanSquareNormFinder(model).norms.first)
    let scale = try norm.scale.get().tensor.doubles() ?? []
    switch norm.epsilon {
    case .attribute(_, let value): return scale + [value]
    case .constant(_, _, let tensor): return scale + (tensor.doubles() ?? [])
    }
  }

  /// γ·f and ε·f².
  private func constants(_ model: Model, times ratio: Double) throws -> [Double] {
    let old = try constants(model)
    return old.dropLast().map { $0 * ratio.squareRoot() } + old.suffix(1).map { $0 * ratio }
  }

  @Test("where removed channels are as large as those that are left, scale and epsilon stay", arguments: cases)
  func equalEnergy(example: Case) throws {
    var dense = try model(example)
    let stream = try #require(try dense.tensor("a").floats())
    // Each row of eight holds its first half twice.
    try dense.fill("a", stream.indices.map { stream[$0 - ($0 % 8 < 4 ? 0 : 4)] })
    let pruned = try PrunedModel(dense, kept: [0, 1, 2, 3])
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 1 && skipped.isEmpty)
    #expect(try relativeError(constants(rescaled), constants(pruned.model)) <= 1e-6)
    #expect(try relativeError(rescaled.outputs(samples), dense.outputs(samples)) > 1e-3)
  }

  @Test("channels of ten sixteenths of the squares that are a quarter of all have two and a half times the mean square")
  func unequalEnergy() throws {
    var dense = try model(try example("Pow, Sqrt and Div"))
    // The first channel is three times the first input, the others are that input itself.
    try dense.fill("a", (0..<40).map { $0 == 0 ? 3 : $0 < 8 ? 1 : 0 })
    let pruned = try PrunedModel(dense, kept: [0, 1])
    let (rescaled, count, _) = try pruned.rescaled()
    #expect(count == 1)
    #expect(try relativeError(constants(rescaled), constants(pruned.model, times: 2.5)) <= 1e-6)
  }

  @Test("of a norm of a sum, squares of the sum count, with its bias")
  func sum() throws {
    var dense = try GraphText.model(
      Self.text(
        """
        s = Mul(h, two[])
        n = ms:SkipSimplifiedLayerNormalization(h, s, gamma[8]+, c[8]) { epsilon: 0.5 }
        """))
    try dense.fill("two", [2])
    let pruned = try PrunedModel(dense, kept: [1, 4, 6])
    let h = try #require(try dense.run(samples, showing: ["h"])["h"]?.doubles())
    let bias = try dense.numbers("c")
    var squares = [Double](repeating: 0, count: 8)
    for (index, number) in h.enumerated() {
      let sum = 3 * number + bias[index % 8]
      squares[index % 8] += sum * sum
    }
    let ratio = 8.0 / 3 * (squares[1] + squares[4] + squares[6]) / squares.reduce(0, +)
    let (rescaled, count, _) = try pruned.rescaled()
    #expect(count == 1)
    #expect(try relativeError(constants(rescaled), constants(pruned.model, times: ratio)) <= 1e-5)
  }

  @Test("what is not zero where everything before it is counts as it is")
  func notZero() throws {
    let text = """
      x: float[N, 5]
      k = MatMul(x, a[5, 8])
      h = Sigmoid(k)
      \(Self.chain)
      y = MatMul(n, b[8, 3])
      return y
      """
    let pruned = try self.pruned(text)
    let h = try #require(try pruned.dense.run(samples, showing: ["h"])["h"]?.doubles())
    let left = h.enumerated().reduce(0) { $1.offset % 8 < 4 ? $0 + $1.element * $1.element : $0 }
    let ratio = 2 * left / h.reduce(0) { $0 + $1 * $1 }
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 1 && skipped.isEmpty)
    #expect(try relativeError(constants(rescaled), constants(pruned.model, times: ratio)) <= 1e-5)
  }

  @Test("a repair rescales norms first", arguments: Repair.Order.allCases)
  func repair(order: Repair.Order) throws {
    let pruned = try self.pruned(try model(try example("Pow, Sqrt and Div")))
    let (repaired, report) = try pruned.repaired(on: samples, order)
    #expect(report.rescaledNorms == 1 && report.layers.count == 1 && report.skipped.isEmpty)
    #expect(try relativeError(constants(repaired), constants(pruned.model, times: 2)) <= 1e-6)
    #expect(try relativeError(repaired.outputs(samples), pruned.dense.outputs(samples)) <= 1e-4)
  }

  @Test("a repair on generated samples rescales norms too")
  func generated() throws {
    let pruned = try self.pruned(try model(try example("RMSNormalization")))
    let noise = try CalibrationData.noise(for: pruned.dense, count: 20, seed: 1)
    let repair = Repair(of: pruned.dense, pruned.analysis, keep: pruned.keep)
    let (repaired, report) = try repair(pruned.model, on: noise)
    #expect(report.rescaledNorms == 1)
    #expect(try relativeError(constants(repaired), constants(pruned.model, times: 2)) <= 1e-6)
  }

  @Test(
    "norms that are rescaled already stay as they are, whatever their epsilon",
    arguments: ["RMSNormalization", "Pow, Sqrt and Div"], [0.5, 0] as [Float])
  func onlyOnce(name: String, epsilon: Float) throws {
    try expectOnlyOnce(try model(try example(name)).withEpsilon(epsilon))
  }

  @Test(
    "norms whose scale is broadcast are rescaled only once where epsilon is 0 too",
    arguments: ["gamma[]+", "gamma[1]+", "gamma[1, 8]+", "gamma[1, 1]+"])
  func broadcastScale(_ scale: String) throws {
    let dense = try GraphText.model(Self.text("\(Self.division)\nn = Mul(d, \(scale))"))
    try expectOnlyOnce(dense.withEpsilon(0))
  }

  /// Of channels that are not the first, so that what is left of a scale is not its beginning.
  private func expectOnlyOnce(_ dense: Model) throws {
    let pruned = try PrunedModel(dense, kept: [1, 4, 6])
    let (once, count, skipped) = try pruned.rescaled()
    #expect(count == 1 && skipped.isEmpty)
    #expect(try relativeError(constants(once), constants(pruned.model)) > 1e-3)
    let (twice, again, left) = try pruned.rescaled(once)
    #expect(again == 0 && left.isEmpty)
    #expect(try constants(twice) == constants(once))
  }

  @Test("constants that other norms share are changed for those over removed channels alone")
  func sharedConstants() throws {
    let text = """
      x: float[N, 5]
      h = MatMul(x, a[5, 8])
      \(Self.chain)
      y = MatMul(n, b[8, 3])
      h2 = MatMul(x, a2[5, 8])
      s2 = Mul(h2, h2)
      m2 = ReduceMean(s2) { axes: [-1] }
      e2 = Add(m2, epsilon)
      q2 = Sqrt(e2)
      d2 = Div(h2, q2)
      n2 = Mul(d2, gamma)
      z = MatMul(n2, b2[8, 3])
      return y, z
      """
    let pruned = try self.pruned(text)
    let (rescaled, count, _) = try pruned.rescaled()
    #expect(count == 1)
    #expect(try relativeError(rescaled.outputs(samples), pruned.dense.outputs(samples)) <= 1e-6)
  }

  @Test("scale and epsilon in half precision stay in it")
  func halfPrecision() throws {
    let text = """
      x: float[N, 5]
      c = Cast(x) { to: 10 }
      h = MatMul(c, a[5, 8])
      \(Self.chain)
      k = MatMul(n, b[8, 3])
      y = Cast(k) { to: 1 }
      return y
      """
    let pruned = try self.pruned(text, type: .float16)
    let (rescaled, count, _) = try pruned.rescaled()
    #expect(count == 1)
    #expect(rescaled.graph.initializers.allSatisfy { $0.tensor.dataType == .float16 })
    #expect(try relativeError(rescaled.outputs(samples), pruned.dense.outputs(samples)) <= 0.01)
  }

  // MARK: What is left alone

  @Test("a norm without a scale is reported and left alone, whatever its epsilon", arguments: [0.5, 0] as [Float])
  func withoutScale(epsilon: Float) throws {
    let dense = try GraphText.model(Self.text(Self.division, reading: "d"))
    let pruned = try self.pruned(dense.withEpsilon(epsilon))
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 0 && rescaled.contents == pruned.model.contents)
    #expect(skipped.map(\.label) == ["m"] && skipped.allSatisfy { $0.reason.contains("scales") })
  }

  @Test("a norm with a computed scale is reported and left alone")
  func computedScale() throws {
    let pruned = try self.pruned(Self.text("g = MatMul(x, c[5, 8])\n\(Self.division)\nn = Mul(d, g)"))
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 0 && rescaled.contents == pruned.model.contents)
    #expect(skipped.map(\.label) == ["m"] && skipped.allSatisfy { $0.reason.contains("no constant") })
  }

  @Test("a layer normalization is no root mean square norm")
  func layerNormalization() throws {
    let norm = """
      u = ReduceMean(h) { axes: [-1] }
      c = Sub(h, u)
      s = Mul(c, c)
      m = ReduceMean(s) { axes: [-1] }
      e = Add(m, epsilon[]+)
      q = Sqrt(e)
      d = Div(c, q)
      n = Mul(d, gamma[8]+)
      """
    let pruned = try self.pruned(Self.text(norm))
    let (rescaled, count, skipped) = try pruned.rescaled()
    #expect(count == 0 && skipped.isEmpty && rescaled.contents == pruned.model.contents)
  }
}

extension Model {
  /// The model with another ε in its only norm, where that is an attribute or the initializer epsilon.
  fileprivate func withEpsilon(_ epsilon: Float) throws -> Model {
    var model = self
    let norm = try #require(RootMeanSquareNormFinder(model).norms.first)
    switch norm.epsilon {
    case .attribute(let node, _): model.graph.nodes[node].setAttribute("epsilon", .float(epsilon))
    case .constant: try model.fill("epsilon", [epsilon])
    }
    return model
  }
}

extension PrunedModel {
  fileprivate typealias Rescaling = (model: Model, count: Int, skipped: [(label: String, reason: String)])

  fileprivate func rescaled() throws -> Rescaling { try rescaled(model) }

  fileprivate func rescaled(_ model: Model) throws -> Rescaling {
    let norms = RootMeanSquareNorms(of: dense, analysis, keep: keep)
    let ratios = try norms.ratios(
      of: norms.pending(in: model), on: CalibrationData(randomInput([20, 5])), batch: 8,
      runtime: RuntimeOptions(workers: .one)
    ) { _, _, _ in }
    return norms.rescaled(model, by: ratios)
  }
}
