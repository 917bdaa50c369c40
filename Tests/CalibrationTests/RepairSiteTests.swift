import Analysis
import Dimensions
import IR
import Pruning
import TestSupport
import Testing

@testable import Calibration

/// Which layers of a pruned model are repaired, and what is said of the others.
@Suite("Repair sites") struct RepairSiteTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// Nodes that are repaired.
    var repaired: [String] = []
    /// The node that is not, and what is said of it.
    let skipped: String
    let reason: String
  }

  private func sites(_ model: Model) throws -> RepairSites {
    let pruned = try PrunedModel(model)
    return RepairSites(
      LinearLayers(pruned.dense, pruned.analysis), pruned.analysis, keep: pruned.keep, pruned: pruned.model)
  }

  private static func noLayer(_ weight: String, _ operation: String) -> String {
    "its weight \(weight) lost columns, and this \(operation) is no plain linear layer"
  }

  static let cases: [Case] = [
    Case(
      testDescription: "a convolution with an activation fused behind it",
      text: """
        x: float[N, 3, 4, 4]
        h = Conv(x, a[8, 3, 1, 1], c[8])
        f = ms:FusedConv(h, b[6, 8, 1, 1], d[6]) { activation: "Relu" }
        y = Conv(f, e[3, 6, 1, 1], g[3])
        return y
        """, repaired: ["y"], skipped: "f", reason: noLayer("b", "FusedConv")),
    Case(
      testDescription: "a convolution with a residual fused behind it",
      text: """
        x: float[N, 3, 4, 4]
        h = Conv(x, a[8, 3, 1, 1], c[8])
        f = ms:FusedConv(h, b[8, 8, 1, 1], d[8], h)
        y = Conv(f, e[3, 8, 1, 1], g[3])
        return y
        """, repaired: ["y"], skipped: "f", reason: noLayer("b", "FusedConv")),
    Case(
      testDescription: "a Gemm that scales its product",
      text: """
        x: float[N, 6]
        h = Gemm(x, a[6, 8], c[8])
        y = Gemm(h, b[8, 3], d[3]) { alpha: 2.0 }
        return y
        """, skipped: "y", reason: noLayer("b", "Gemm")),
    Case(
      testDescription: "a Gemm that reads its input transposed",
      text: """
        x: float[6, N]
        h = MatMul(a[8, 6], x)
        y = Gemm(h, b[8, 3]) { transA: 1 }
        return y
        """, skipped: "y", reason: noLayer("b", "Gemm")),
    Case(
      testDescription: "a product with the weight first",
      text: """
        x: float[6, N]
        h = MatMul(a[8, 6], x)
        r = Relu(h)
        y = MatMul(b[3, 8], r)
        return y
        """, skipped: "y", reason: noLayer("b", "MatMul")),
    Case(
      testDescription: "a recurrence, once for its two weights",
      text: """
        x: float[5, N, 6]
        h = MatMul(x, a[6, 8])
        l = LSTM(h, w[1, 16, 8], r[1, 16, 4]) { hidden_size: 4 }
        s = Squeeze(l, axes<1>)
        y = MatMul(s, b[4, 3])
        return y
        """, repaired: ["y"], skipped: "l", reason: noLayer("w", "LSTM")),
    Case(
      testDescription: "a table that is looked up and multiplied by as well",
      text: """
        x: int64[N, 4]
        e = Gather(t[10, 8], x)
        y = ms:FusedMatMul(e, t) { transB: 1 }
        return y
        """, skipped: "y", reason: noLayer("t", "FusedMatMul")),
  ]

  @Test("a node whose weight lost columns and that is no linear layer is named, with the reason", arguments: cases)
  func unhandled(example: Case) throws {
    let sites = try sites(try GraphText.model(example.text))
    #expect(sites.all.map(\.layer.label) == example.repaired)
    #expect(sites.skipped.map(\.label) == [example.skipped])
    #expect(sites.skipped.map(\.reason) == [example.reason])
  }

  @Test("a matrix of integers that is dequantized is named")
  func quantized() throws {
    var model = try GraphText.model(
      """
      x: float[N, 6]
      h = MatMul(x, a[6, 8])
      w = DequantizeLinear(q[8, 3], s[])
      y = MatMul(h, w)
      return y
      """)
    let index = try #require(model.graph.initializers.firstIndex { $0.tensor.name == "q" })
    let region = [Int8](repeating: 1, count: 24).withUnsafeBytes { ByteRegion(copying: $0) }
    model.graph.initializers[index].tensor = Tensor(
      name: "q", dataType: .int8, shape: [8, 3], storage: .bytes(region))
    let sites = try sites(model)
    #expect(sites.all.isEmpty && sites.skipped.map(\.label) == ["y"])
    #expect(sites.skipped.first?.reason == "its weight q is no tensor of floating-point numbers")
  }

  @Test("products in bodies are named")
  func bodies() throws {
    var model = try GraphText.model(
      """
      c: bool[1]
      x: float[N, 6]
      h = MatMul(x, a[6, 8])
      t = MatMul(h, b[8, 3])
      e = MatMul(h, d[8, 3])
      y = If(c)
      return y
      """)
    for (place, name) in [(1, "then_branch"), (2, "else_branch")] {
      let node = model.graph.nodes[place]
      let output = ValueInfo(value: try #require(node.output(0)), type: nil)
      model.graph.nodes[3].setAttribute(name, .graph(Graph(name: name, nodes: [node], outputs: [output])))
    }
    model.graph.nodes.removeSubrange(1..<3)
    let sites = try sites(model)
    #expect(sites.all.isEmpty && sites.skipped.map(\.label) == ["t", "e"])
    #expect(
      sites.skipped.map(\.reason) == ["b", "d"].map { "its weight \($0) lost columns, and it stands in a body" })
  }

  @Test("where initializers have to be inputs of the graph, as before IR 4, they are constants all the same")
  func oldModel() throws {
    var model = try GraphText.model("x: float[N, 6]\nh = MatMul(x, a[6, 8])\ny = MatMul(h, b[8, 3])\nreturn y")
    model.irVersion = 3
    for name in ["a", "b"] { model.graph.inputs.append(ValueInfo(value: try model.value(name), type: nil)) }
    let sites = try sites(model)
    #expect(sites.all.map(\.layer.label) == ["y"] && sites.skipped.isEmpty)
    model.setConstant(Tensor(floats: [Float](repeating: 1, count: 24), shape: [8, 3]), node: 1, input: 1, named: "c")
    #expect(model.graph.initializers.count == 2)
    #expect(model.graph.nodes[1].input(1) == (try model.value("b")))
  }

  @Test("parameters that channels have for themselves are no layers")
  func riders() throws {
    let sites = try sites(
      try GraphText.model(
        """
        x: float[N, 4, 4, 4]
        h = Conv(x, a[8, 4, 1, 1], c[8])
        g = ms:FusedConv(h, k[8, 1, 3, 3]) { group: 8 pads: [1, 1, 1, 1] activation: "Relu" }
        p = PRelu(g, s[8, 1, 1])
        m = Mul(p, u[1, 8, 4, 4])
        n = BatchNormalization(m, bs[8]+, bt[8], bm[8], bv[8]+)
        y = Conv(n, b[3, 8, 1, 1], d[3])
        return y
        """))
    #expect(sites.all.map(\.layer.label) == ["y"] && sites.skipped.isEmpty)
  }

  @Test("a node that lost nothing is not named")
  func nothingLost() throws {
    let text = """
      x: float[N, 6]
      h = Gemm(x, a[6, 8])
      y = Gemm(h, b[8, 3]) { alpha: 2.0 }
      k = Gemm(x, c[6, 8])
      z = Gemm(k, d[8, 3]) { alpha: 2.0 }
      return y, z
      """
    let pruned = try PrunedModel(try GraphText.model(text), kept: [0, 1, 2])
    let layers = LinearLayers(pruned.dense, pruned.analysis)
    #expect(layers.unhandled.map { pruned.analysis.nodes[$0.node].label } == ["y", "z"])
    let sites = RepairSites(layers, pruned.analysis, keep: pruned.keep, pruned: pruned.model)
    #expect(sites.skipped.map(\.label) == ["y"])
  }
}
