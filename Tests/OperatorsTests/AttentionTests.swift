import IR
import Testing

@Suite("Attention")
struct AttentionTests {
  private let projected = """
    x: float[1, 10, 24]
    a = ms:Attention(x, w[24, 72], b[72]) { num_heads: 4 }
    y = MatMul(a, wo[24, 8])
    return y
    """

  @Test("one matrix for queries, keys and values is cut by heads and by both widths")
  func projectedGroups() throws {
    #expect(
      try groups(projected) == [
        "head 4: w.1 b.0 wo.0", "head-width 6: w.1 b.0", "head-width 6: w.1 b.0 wo.0",
      ])
  }

  @Test("a cut width keeps the scale it was trained with")
  func frozenScale() throws {
    let attention = try node("Attention", of: projected, keeping: [.head: 3, .headWidth: 5])
    #expect(attention?.int("num_heads") == 3)
    #expect(attention?.float("scale") == 1 / Float(6).squareRoot())
    #expect(attention?.ints("qkv_hidden_sizes") == nil)
  }

  @Test("heads alone leave the scale alone")
  func headsOnly() throws {
    let attention = try node("Attention", of: projected, keeping: [.head: 3])
    #expect(attention?.int("num_heads") == 3)
    #expect(attention?.attribute("scale") == nil)
  }

  @Test("a cache that holds keys and values makes them one width")
  func cache() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      a, present = ms:Attention(x, w[24, 72], b[72]) { num_heads: 4 }
      y = MatMul(a, wo[24, 8])
      return y
      """)
    #expect(found == ["head 4: w.1 b.0 wo.0", "head-width 6: w.1 b.0 wo.0"])
  }

  @Test("a cache that comes from outside keeps heads and width")
  func outsideCache() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      past: float[2, 1, 4, 3, 6]
      a, present = ms:Attention(x, w[24, 72], b[72], _, past) { num_heads: 4 }
      y = MatMul(a, wo[24, 8])
      return y
      """)
    #expect(found.isEmpty)
  }

  @Test("a bias for each head follows the heads")
  func headBias() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      a = ms:Attention(x, w[24, 72], b[72], _, _, r[1, 4, 10, 10]) { num_heads: 4 }
      y = MatMul(a, wo[24, 8])
      return y
      """)
    #expect(found.first == "head 4: w.1 b.0 r.1 wo.0")
  }

  @Test("the quantized form cuts its weight and the scales of its columns")
  func quantized() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      a = ms:QAttention(x, w[24, 72], b[72], xs[], ws[72], _, xz[], wz[72]) { num_heads: 4 }
      y = MatMul(a, wo[24, 8])
      return y
      """)
    #expect(found == ["head 4: w.1 b.0 ws.0 wz.0 wo.0", "head-width 6: w.1 b.0 ws.0 wz.0 wo.0"])
  }

  @Test("separate projections meet in the heads, and one bias holds all three")
  func multiHead() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      q = MatMul(x, wq[24, 12])
      k = MatMul(x, wk[24, 12])
      v = MatMul(x, wv[24, 15])
      a = ms:MultiHeadAttention(q, k, v, b[39]) { num_heads: 3 }
      y = MatMul(a, wo[15, 8])
      return y
      """)
    #expect(
      found == [
        "head 3: wq.1 wk.1 wv.1 b.0 wo.0", "head-width 4: wq.1 wk.1 b.0", "head-width 5: wv.1 b.0 wo.0",
      ])
  }

  @Test("keys and values packed in one tensor share heads and width")
  func packedKeys() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      q = MatMul(x, wq[24, 12])
      kv = MatMul(x, wkv[24, 24])
      r = Reshape(kv, s<1, 10, 3, 2, 4>)
      a = ms:MultiHeadAttention(q, r) { num_heads: 3 }
      y = MatMul(a, wo[12, 8])
      return y
      """)
    #expect(found == ["head 3: wq.1 wkv.1 wo.0", "head-width 4: wq.1 wkv.1 wo.0"])
  }

  @Test("the decoder's form finds its bias behind its caches")
  func decoder() throws {
    let found = try groups(
      """
      x: float[1, 1, 24]
      q = MatMul(x, wq[24, 12])
      k = MatMul(x, wk[24, 12])
      v = MatMul(x, wv[24, 12])
      a = ms:DecoderMaskedMultiHeadAttention(q, k, v, _, _, _, _, _, _, _, b[36]) { num_heads: 3 }
      y = MatMul(a, wo[12, 8])
      return y
      """)
    #expect(
      found == [
        "head 3: wq.1 wk.1 wv.1 b.0 wo.0", "head-width 4: wq.1 wk.1 b.0", "head-width 4: wv.1 b.0 wo.0",
      ])
  }

  private let grouped = """
    x: float[1, 10, 24]
    n: int64[1]
    q = MatMul(x, wq[24, 96])
    k = MatMul(x, wk[24, 32])
    v = MatMul(x, wv[24, 32])
    a = ms:GroupQueryAttention(q, k, v, _, _, n, t<10>) { num_heads: 6, kv_num_heads: 2 }
    y = MatMul(a, wo[96, 8])
    return y
    """

  @Test("grouped queries are groups of keys and values times repeats; the width goes in blocks of eight")
  func groupedQueries() throws {
    #expect(
      try groups(grouped) == [
        "kv-group 2: wq.1 wk.1 wv.1 wo.0", "head 3: wq.1 wo.0", "head-width 2: wq.1 wk.1 wv.1 wo.0",
      ])
  }

  @Test("both numbers of heads follow")
  func groupedCounts() throws {
    let attention = try node("GroupQueryAttention", of: grouped, keeping: [.keyValueGroup: 1, .head: 2])
    #expect(attention?.int("num_heads") == 2)
    #expect(attention?.int("kv_num_heads") == 1)
  }

  @Test("a cache from outside keeps groups and width, but not how many queries share one")
  func groupedCache() throws {
    let found = try groups(
      """
      x: float[1, 1, 24]
      n: int64[1]
      pk: float[1, 2, past, 16]
      pv: float[1, 2, past, 16]
      q = MatMul(x, wq[24, 96])
      k = MatMul(x, wk[24, 32])
      v = MatMul(x, wv[24, 32])
      a, nk, nv = ms:GroupQueryAttention(q, k, v, pk, pv, n, t<10>) { num_heads: 6, kv_num_heads: 2 }
      y = MatMul(a, wo[96, 8])
      return y, nk, nv
      """)
    #expect(found == ["head 3: wq.1 wo.0"])
  }

  @Test("a packed, rotated projection is cut by groups and heads and says why its width stays")
  func packedRotated() throws {
    let text = """
      x: float[1, 10, 24]
      n: int64[1]
      q = MatMul(x, w[24, 160])
      a = ms:GroupQueryAttention(q, _, _, _, _, n, t<10>, c[10, 8], s[10, 8]) { num_heads: 6, kv_num_heads: 2, do_rotary: 1 }
      y = MatMul(a, wo[96, 8])
      return y
      """
    #expect(try groups(text) == ["kv-group 2: w.1 wo.0", "head 3: w.1 wo.0"])
    #expect(try reasons(text).contains("the halves of a head are rotated together"))
  }

  private let standard = """
    x: float[1, 10, 24]
    q = MatMul(x, wq[24, 24])
    k = MatMul(x, wk[24, 12])
    v = MatMul(x, wv[24, 10])
    a = Attention(q, k, v) { q_num_heads: 4, kv_num_heads: 2 }
    y = MatMul(a, wo[20, 8])
    return y
    """

  @Test("the standard operator has the same dimensions, with heads on the last axis")
  func standardFlat() throws {
    #expect(
      try groups(standard, opset: 23) == [
        "kv-group 2: wq.1 wk.1 wv.1 wo.0", "head 2: wq.1 wo.0", "head-width 6: wq.1 wk.1",
        "head-width 5: wv.1 wo.0",
      ])
  }

  @Test("the standard operator's attributes follow")
  func standardCounts() throws {
    let attention = try node(
      "Attention", of: standard, keeping: [.keyValueGroup: 1, .head: 1, .headWidth: 4], opset: 23)
    #expect(attention?.int("q_num_heads") == 1)
    #expect(attention?.int("kv_num_heads") == 1)
    #expect(attention?.float("scale") == 1 / Float(6).squareRoot())
  }

  @Test("heads on an axis of their own need no attribute")
  func standardSplit() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      q = MatMul(x, wq[24, 24])
      q4 = Reshape(q, s1<1, 10, 4, 6>)
      qt = Transpose(q4) { perm: [0, 2, 1, 3] }
      a = Attention(qt, qt, qt)
      at = Transpose(a) { perm: [0, 2, 1, 3] }
      f = Reshape(at, s2<1, 10, 24>)
      y = MatMul(f, wo[24, 8])
      return y
      """, opset: 23)
    #expect(found == ["head 4: wq.1 wo.0", "head-width 6: wq.1 wo.0"])
  }

  @Test("a rotation leaves the heads free, and of their width what it does not rotate")
  func rotation() throws {
    let found = try groups(
      """
      x: float[1, 10, 24]
      p: int64[1, 10]
      q = MatMul(x, wq[24, 32])
      r = RotaryEmbedding(q, c[10, 2], s[10, 2], p) { num_heads: 4, rotary_embedding_dim: 4 }
      y = MatMul(r, wo[32, 8])
      return y
      """, opset: 23)
    #expect(found == ["ffn 4: wq.1 wo.0", "ffn 4: wq.1 wo.0"])
  }

  @Test("the contrib rotation takes the width from its caches")
  func contribRotation() throws {
    let text = """
      x: float[1, 10, 24]
      p: int64[1, 10]
      q = MatMul(x, wq[24, 32])
      r = ms:RotaryEmbedding(q, p, c[10, 4], s[10, 4])
      y = MatMul(r, wo[32, 8])
      return y
      """
    #expect(try groups(text) == ["ffn 4: wq.1 wo.0"])
  }
}
