import Analysis
import TestSupport
import Testing

@Suite("Groups")
struct GroupTests {
  /// Groups as `kind size` with their members, in order.
  private func groups(_ text: String) throws -> [String] {
    let analysis = try ModelAnalysis(try GraphText.model(text))
    return analysis.groups.map { group in
      let members = group.members.map { "\(analysis.weights[$0.weight].name).\($0.axis)" }
      return "\(group.kind.rawValue) \(group.size)\(group.isExact ? "" : "~"): \(members.joined(separator: " "))"
    }
  }

  @Test("a convolution's channels reach the next convolution through its activation")
  func chain() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 3, 3], b1[16])
      r = Relu(a)
      y = Conv(r, w2[4, 16, 1, 1])
      return y
      """)
    #expect(found == ["channel 16: w1.0 b1.0 w2.1"])
  }

  @Test("a residual stream is one group")
  func residual() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1])
      b = Conv(a, w2[16, 16, 1, 1])
      s = Add(a, b)
      y = Conv(s, w3[4, 16, 1, 1])
      return y
      """)
    #expect(found == ["channel 16: w1.0 w2.0 w2.1 w3.1"])
  }

  @Test("heads and head width come apart where a projection is reshaped")
  func attention() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      q = MatMul(x, wq[24, 24])
      k = MatMul(x, wk[24, 24])
      v = MatMul(x, wv[24, 24])
      q4 = Reshape(q, s1<1, 10, 4, 6>)
      k4 = Reshape(k, s2<1, 10, 4, 6>)
      v4 = Reshape(v, s3<1, 10, 4, 6>)
      qt = Transpose(q4) { perm: [0, 2, 1, 3] }
      kt = Transpose(k4) { perm: [0, 2, 3, 1] }
      vt = Transpose(v4) { perm: [0, 2, 1, 3] }
      a = MatMul(qt, kt)
      p = Softmax(a) { axis: -1 }
      o = MatMul(p, vt)
      ot = Transpose(o) { perm: [0, 2, 1, 3] }
      o3 = Reshape(ot, s4<1, 10, 24>)
      y = MatMul(o3, wo[24, 24])
      return y
      """)
    #expect(
      found == [
        "head 4: wq.1 wk.1 wv.1 wo.0", "head-width 6: wq.1 wk.1", "head-width 6: wv.1 wo.0",
      ])
  }

  @Test("a vector that exporters merged couples nothing")
  func sharedVector() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1], zero[16])
      r = Relu(a)
      b = Conv(r, w2[16, 16, 1, 1], zero)
      y = Conv(b, w3[4, 16, 1, 1])
      return y
      """)
    #expect(found == ["channel 16: w1.0 zero.0 w2.1", "channel 16: zero.0 w2.0 w3.1"])
  }

  @Test("an operator nobody knows fixes what it touches and says so")
  func unknownOperator() throws {
    let analysis = try ModelAnalysis(
      try GraphText.model(
        """
        x: float[1, 3, 8, 8]
        a = Conv(x, w1[16, 3, 1, 1])
        b = acme:Frobnicate(a)
        y = Conv(b, w2[4, 16, 1, 1])
        return y
        """))
    #expect(analysis.groups.isEmpty)
    #expect(analysis.fixed.contains { $0.reason.contains("acme.Frobnicate") })
  }
}
