import IR
import Kernels
import TestSupport
import Testing

@testable import Runtime

/// What is fused, what is not, and that it computes what was written.
@Suite("Fusions")
struct FusionTests {
  static let linear = """
    t = Transpose(w[6, 4]) { perm: [1, 0] }
    p = MatMul(x[2, 3, 4], t)
    y = Add(b[6], p)
    return y
    """

  /// Attention over two heads, as exporters spell it; `scores` leads from `s` to `d`.
  static func attention(_ scores: String, returning: String = "y") -> String {
    """
    qt = Transpose(wq[8, 8]) { perm: [1, 0] }
    ql = MatMul(x[2, 5, 8], qt)
    qb = Add(bq[8], ql)
    qr = Reshape(qb, split<0, 0, 2, 4>)
    q = Transpose(qr) { perm: [0, 2, 1, 3] }
    kl = MatMul(x, wk[8, 8])
    kr = Reshape(kl, split)
    k = Transpose(kr) { perm: [0, 2, 3, 1] }
    vl = MatMul(x, wv[8, 8])
    vr = Reshape(vl, split)
    v = Transpose(vr) { perm: [0, 2, 1, 3] }
    s = MatMul(q, k)
    \(scores)
    p = Softmax(d) { axis: -1 }
    o = MatMul(p, v)
    ot = Transpose(o) { perm: [0, 2, 1, 3] }
    y = Reshape(ot, merge<0, 0, 8>)
    return \(returning)
    """
  }

  private static let byWidth = "f = Cast(width<4>) { to: 1 }\nr = Sqrt(f)\nd = Div(s, r)"

  @Test("a linear layer is one product")
  func linearLayer() throws {
    #expect(try kinds(Self.linear, Fusion.differentiable) == ["MatrixMultiply"])
    try compare(Self.linear)
  }

  @Test("a product that is an output itself stays")
  func outputStays() throws {
    let text = Self.linear.replacing("return y", with: "return p, y")
    #expect(try kinds(text, Fusion.differentiable) == ["MatrixMultiply", "Add"])
    try compare(text)
  }

  @Test("attention is one node, whether its scale is stored or follows from sizes")
  func attentionFuses() throws {
    let stored = Self.attention("d = Mul(s, c[1])")
    for text in [stored, Self.attention(Self.byWidth)] {
      #expect(try kinds(text, Fusion.inference).suffix(1) == ["Attention"])
      #expect(try !kinds(text, Fusion.inference).contains("Reshape"))
      try compare(text)
    }
    // A stored scale may be trained.
    #expect(try !kinds(stored, Fusion.differentiable).contains("Attention"))
    #expect(try kinds(Self.attention(Self.byWidth), Fusion.differentiable).contains("Attention"))
  }

  @Test("a mask goes along, but not into training")
  func mask() throws {
    let text = Self.attention("e = Mul(s, c[1])\nd = Add(m[2, 1, 1, 5], e)")
    #expect(try kinds(text, Fusion.inference).contains("Attention"))
    #expect(try !kinds(text, Fusion.differentiable).contains("Attention"))
    try compare(text)
  }

  @Test("attention whose weights are an output stays")
  func weightsShown() throws {
    let text = Self.attention("d = Mul(s, c[1])", returning: "y, p")
    #expect(try !kinds(text, Fusion.inference).contains("Attention"))
    try compare(text)
  }

  @Test("results do not depend on the number of workers")
  func workers() throws {
    let model = try GraphText.model("a = MatMul(x[1, 300, 96], w[96, 130])\ny = Add(a, b[130])\nreturn y")
    let one = try Session(model, options: RuntimeOptions(workers: .one)).run([:])
    let several = try Session(model, options: RuntimeOptions(workers: Workers(count: 4))).run([:])
    #expect(one["y"]?.floats == several["y"]?.floats)
  }

  private func kinds(_ text: String, _ rules: [any FusionRule]) throws -> [String] {
    let fused = Fusion.apply(rules, to: try GraphText.model(text), keeping: [])
    return fused.graph.nodes.map(\.opType).filter { $0 != "Constant" }
  }

  /// Holds the session, which fuses all it can, against one that is given nothing to fuse: every value is an output.
  private func compare(_ text: String) throws {
    let model = try GraphText.model(text)
    var open = model
    let shown = Set(model.graph.outputs.map(\.value))
    for node in model.graph.nodes {
      for case let output? in node.outputs where !shown.contains(output) {
        open.graph.outputs.append(ValueInfo(value: output, type: nil))
      }
    }
    let (fused, plain) = (try Session(model).run([:]), try Session(open).run([:]))
    for info in model.graph.outputs {
      let name = model.name(of: info.value)
      let (a, b) = (try #require(fused[name]?.floats), try #require(plain[name]?.floats))
      #expect(a.count == b.count && !a.isEmpty)
      for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-5 * max(1, abs(y))) }
    }
  }
}

extension Tensor {
  fileprivate var floats: [Float] {
    guard let value = try? RuntimeValue(self, precision: .single) else { return [] }
    return withExtendedLifetime(value.buffer) {
      (0..<elementCount).map { value.buffer.start.load(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }
}
