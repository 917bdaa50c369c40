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
    #expect(try FusionCase(Self.linear).kinds(Fusion.differentiable) == ["MatrixMultiply"])
    try FusionCase(Self.linear).expectEqualResults()
  }

  @Test("a product that is an output itself stays")
  func outputStays() throws {
    let text = Self.linear.replacing("return y", with: "return p, y")
    #expect(try FusionCase(text).kinds(Fusion.differentiable) == ["MatrixMultiply", "Add"])
    try FusionCase(text).expectEqualResults()
  }

  @Test("attention is one node, whether its scale is stored or follows from sizes")
  func attentionFuses() throws {
    let stored = Self.attention("d = Mul(s, c[1])")
    for text in [stored, Self.attention(Self.byWidth)] {
      #expect(try FusionCase(text).kinds(Fusion.inference).suffix(1) == ["Attention"])
      #expect(try !FusionCase(text).kinds(Fusion.inference).contains("Reshape"))
      try FusionCase(text).expectEqualResults()
    }
    // A stored scale may be trained.
    #expect(try !FusionCase(stored).kinds(Fusion.differentiable).contains("Attention"))
    #expect(try FusionCase(Self.attention(Self.byWidth)).kinds(Fusion.differentiable).contains("Attention"))
  }

  @Test("a mask goes along, but not into training")
  func mask() throws {
    let text = Self.attention("e = Mul(s, c[1])\nd = Add(m[2, 1, 1, 5], e)")
    #expect(try FusionCase(text).kinds(Fusion.inference).contains("Attention"))
    #expect(try !FusionCase(text).kinds(Fusion.differentiable).contains("Attention"))
    try FusionCase(text).expectEqualResults()
  }

  @Test("attention whose weights are an output stays")
  func weightsShown() throws {
    let text = Self.attention("d = Mul(s, c[1])", returning: "y, p")
    #expect(try !FusionCase(text).kinds(Fusion.inference).contains("Attention"))
    try FusionCase(text).expectEqualResults()
  }

  @Test("results do not depend on the number of workers")
  func workers() throws {
    let model = try GraphText.model("a = MatMul(x[1, 300, 96], w[96, 130])\ny = Add(a, b[130])\nreturn y")
    let one = try Session(model, options: RuntimeOptions(workers: .one)).run([:])
    let several = try Session(model, options: RuntimeOptions(workers: Workers(count: 4))).run([:])
    #expect(one["y"]?.numbers == several["y"]?.numbers)
  }
}
