import IR
import Testing

@testable import Runtime

@Suite("Fusing attention")
struct FuseAttentionTests {
  /// Attention of given operands over heads 4 wide, as exporters spell it; `heads` says how many an operand has, and
  /// `scale` leads from `s` to `d`.
  private static func attention(
    queries: String = "x[2, 5, 8]", keys: String = "k[2, 5, 8]", values: String = "v[2, 5, 8]",
    heads: (query: Int, key: Int, value: Int) = (2, 2, 2), scale: String = "d = Mul(s, c[1])", returning: String = "y"
  ) -> String {
    """
    qr = Reshape(\(queries), qs<0, 0, \(heads.query), 4>)
    q = Transpose(qr) { perm: [0, 2, 1, 3] }
    kr = Reshape(\(keys), ks<0, 0, \(heads.key), 4>)
    kt = Transpose(kr) { perm: [0, 2, 3, 1] }
    vr = Reshape(\(values), vs<0, 0, \(heads.value), 4>)
    vt = Transpose(vr) { perm: [0, 2, 1, 3] }
    s = MatMul(q, kt)
    \(scale)
    p = Softmax(d) { axis: -1 }
    o = MatMul(p, vt)
    ot = Transpose(o) { perm: [0, 2, 1, 3] }
    y = Reshape(ot, merge<0, 0, 8>)
    return \(returning)
    """
  }

  /// The same behind linear layers of one input.
  static func selfAttention(scale: String, returning: String = "y") -> String {
    """
    qt = Transpose(wq[8, 8]) { perm: [1, 0] }
    ql = MatMul(x[2, 5, 8], qt)
    qb = Add(bq[8], ql)
    kl = MatMul(x, wk[8, 8])
    vl = MatMul(x, wv[8, 8])
    \(attention(queries: "qb", keys: "kl", values: "vl", scale: scale, returning: returning))
    """
  }

  static let byWidth = "f = Cast(width<4>) { to: 1 }\nr = Sqrt(f)\nd = Div(s, r)"

  private func expectUnfused(_ text: String, numbers: [String: Float] = [:]) throws {
    let model = try FusionCase(text, numbers: numbers)
    #expect(!model.kinds().contains("Attention"))
    try model.expectEqualResults()
  }

  @Test("operands that belong together fuse")
  func fuses() throws {
    let model = try FusionCase(Self.attention(queries: "x[2, 3, 8]"))
    #expect(model.kinds() == ["Attention"])
    try model.expectEqualResults()
  }

  @Test("it is one node, whether its scale is stored or follows from sizes", arguments: ["d = Mul(s, c[1])", byWidth])
  func scales(_ scale: String) throws {
    let model = try FusionCase(Self.selfAttention(scale: scale))
    #expect(model.kinds().suffix(1) == ["Attention"])
    #expect(!model.kinds().contains("Reshape"))
    #expect(model.kinds(Fusion.differentiable).contains("Attention"))
    try model.expectEqualResults()
  }

  @Test("a scale that is trained stays")
  func trainedScale() throws {
    let model = try FusionCase(Self.selfAttention(scale: "d = Mul(s, c[1])"))
    #expect(!model.kinds(Fusion.differentiable, trained: ["c"]).contains("Attention"))
  }

  @Test("a mask goes along, but not into training")
  func mask() throws {
    let model = try FusionCase(Self.selfAttention(scale: "e = Mul(s, c[1])\nd = Add(m[2, 1, 1, 5], e)"))
    #expect(model.kinds().contains("Attention"))
    #expect(!model.kinds(Fusion.differentiable).contains("Attention"))
    try model.expectEqualResults()
  }

  @Test("weights that are an output stay")
  func weightsShown() throws {
    try expectUnfused(Self.selfAttention(scale: "d = Mul(s, c[1])", returning: "y, p"))
  }

  @Test(
    "operands whose batch broadcasts stay apart",
    arguments: [(2, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1), (1, 1, 2)])
  func batch(queries: Int, keys: Int, values: Int) throws {
    try expectUnfused(
      Self.attention(queries: "x[\(queries), 5, 8]", keys: "k[\(keys), 5, 8]", values: "v[\(values), 5, 8]"))
  }

  @Test("one head of keys and values that serves all queries stays apart", arguments: [(1, 1), (2, 1), (1, 2)])
  func heads(keys: Int, values: Int) throws {
    try expectUnfused(
      Self.attention(
        keys: "k[2, 5, \(4 * keys)]", values: "v[2, 5, \(4 * values)]", heads: (query: 2, key: keys, value: values)))
  }

  @Test("one head of queries against several of keys stays apart")
  func queryHeads() throws {
    try expectUnfused(Self.attention(queries: "x[2, 5, 4]", heads: (query: 1, key: 2, value: 2)))
  }

  @Test("scores that are read twice stay")
  func scoresReadTwice() throws {
    try expectUnfused(Self.attention(scale: "e = Mul(s, c[1])\nd = Add(e, s)"))
  }

  @Test("a scale that widens the scores is no scale")
  func broadcastScale() throws {
    let text = Self.attention(queries: "x[1, 5, 8]", keys: "k[1, 5, 8]", scale: "d = Mul(s, c[2, 1, 1, 1])")
    try expectUnfused(text, numbers: ["c": 0.5])
  }

  @Test("a scale computed over many nodes, each read twice, takes no time", .timeLimit(.minutes(1)))
  func longScale() throws {
    let powers = (1...59).map { "c\($0) = Pow(c\($0 - 1), c\($0 - 1))" }.joined(separator: "\n")
    let text = Self.attention(scale: "c0 = Identity(c[1])\n\(powers)\nd = Mul(s, c59)")
    try expectUnfused(text, numbers: ["c": 1])
    // The same where the first number is stored.
    try expectUnfused(
      text.replacing("c0 = Identity(c[1])\nc1 = Pow(c0, c0)", with: "c1 = Pow(c[1], c)"), numbers: ["c": 1])
  }

  @Test("thousands of factors in a row are left alone", .timeLimit(.minutes(1)))
  func manyFactors() throws {
    let factors = (1...5_000).map { "f\($0) = Mul(f\($0 - 1), c)" }.joined(separator: "\n")
    let model = try FusionCase(
      Self.attention(scale: "f0 = Mul(s, c[1])\n\(factors)").replacing("Softmax(d)", with: "Softmax(f5000)"))
    #expect(!model.kinds().contains("Attention"))
  }
}
