import Testing

@Suite("Contrib feed-forward")
struct ContribTests {
  @Test("experts share one inner width, and their number is the router's")
  func experts() throws {
    let found = try groups(
      """
      x: float[5, 8]
      p: float[5, 4]
      a = ms:MoE(x, p, w1[4, 6, 8], b1[4, 6], w2[4, 8, 6], b2[4, 8]) { k: 2, activation_type: "relu" }
      y = MatMul(a, w3[8, 3])
      return y
      """)
    #expect(found == ["ffn 6: w1.1 b1.1 w2.2"])
  }

  @Test("gates and values that alternate in one matrix go together")
  func gates() throws {
    let found = try groups(
      """
      x: float[5, 8]
      p: float[5, 4]
      a = ms:MoE(x, p, w1[4, 12, 8], _, w2[4, 8, 6]) { k: 2, activation_type: "swiglu", swiglu_fusion: 1 }
      y = MatMul(a, w3[8, 3])
      return y
      """)
    #expect(found == ["ffn 6: w1.1 w2.2"])
  }

  @Test(
    "a bias fused with an activation that keeps zero leaves the width exact",
    arguments: ["BiasGelu(a, b[16])", "FastGelu(a, b[16])"])
  func biasedActivation(call: String) throws {
    let found = try groups(
      """
      x: float[5, 8]
      a = MatMul(x, w1[8, 16])
      g = ms:\(call)
      y = MatMul(g, w2[16, 3])
      return y
      """)
    #expect(found == ["ffn 16: w1.1 b.0 w2.0"])
  }

  @Test("a fused product with a transposed weight contracts its last axis")
  func fusedProduct() throws {
    let found = try groups(
      """
      x: float[5, 8]
      a = ms:FusedMatMul(x, w1[16, 8]) { transB: 1 }
      y = ms:FusedGemm(a, w2[16, 3], b2[3]) { activation: "Relu" }
      return y
      """)
    #expect(found == ["ffn 16: w1.0 w2.0"])
  }
}
