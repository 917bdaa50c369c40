import Testing

@Suite("Normalization")
struct NormalizationTests {
  @Test(
    "a normalized width is one approximate group",
    arguments: [
      "n = LayerNormalization(h, g[16], b[16])", "n = RMSNormalization(h, g[16])",
      "n = SimplifiedLayerNormalization(h, g[16])", "n = ms:SimplifiedLayerNormalization(h, g[16])",
      "n = ms:SkipLayerNormalization(h, h, g[16], b[16])", "n = ms:SkipSimplifiedLayerNormalization(h, h, g[16])",
    ])
  func normalizedWidth(line: String) throws {
    let found = try groups(
      """
      x: float[1, 5, 3]
      h = MatMul(x, w1[3, 16])
      \(line)
      y = MatMul(n, w2[16, 4])
      return y
      """, opset: 23)
    let shift = line.contains("b[16]") ? " b.0" : ""
    #expect(found == ["embedding 16~: w1.1 g.0\(shift) w2.0"])
  }

  @Test("embedding tables, quantized or not, share the normalized width")
  func embeddings() throws {
    let plain = try groups(
      """
      ids: int64[1, 5]
      e = ms:EmbedLayerNormalization(ids, _, t[50, 16], p[5, 16], _, g[16], b[16])
      y = MatMul(e, w[16, 4])
      return y
      """)
    let quantized = try groups(
      """
      ids: int64[1, 5]
      e = ms:QEmbedLayerNormalization(ids, _, t[50, 16], p[5, 16], _, g[16], b[16], _, s1[], s2[], _, s4[], s5[], z1[], z2[], _, z4[], z5[])
      y = MatMul(e, w[16, 4])
      return y
      """)
    #expect(plain == ["embedding 16~: t.1 p.1 g.0 b.0 w.0"])
    #expect(quantized == plain)
  }

  @Test("group normalization keeps its groups and averages within them")
  func groupNormalization() throws {
    let found = try groups(
      """
      x: float[1, 4, 4, 6]
      h = MatMul(x, w1[6, 16])
      n, s = ms:SkipGroupNorm(h, g[16], b[16], h, c[16]) { groups: 4 }
      y = MatMul(n, w2[16, 4])
      return y
      """)
    #expect(found == ["ffn 4~: w1.1 g.0 b.0 c.0 w2.0"])
  }
}
