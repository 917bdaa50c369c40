import IR
import Testing

@Suite("Quantized products")
struct QuantizedTests {
  @Test("a matrix of few bits loses columns one by one and rows by the block")
  func fewBits() throws {
    let text = """
      x: float[1, 5, 24]
      a = ms:MatMulNBits(x, q1[64, 2, 8], s1[64, 2]) { K: 24, N: 64, bits: 4, block_size: 16 }
      r = Relu(a)
      y = ms:MatMulNBits(r, q2[8, 4, 8], s2[8, 4]) { K: 64, N: 8, bits: 4, block_size: 16 }
      return y
      """
    #expect(try groups(text) == ["ffn 4: q1.0 s1.0 q2.1 s2.1"])
    let first = try node("MatMulNBits", of: text, keeping: [.feedForward: 3])
    #expect(first?.int("N") == 48)
    #expect(first?.int("K") == 24)
  }

  @Test("zero points of the input's type follow columns and blocks")
  func zeroPoints() throws {
    let found = try groups(
      """
      x: float[1, 5, 24]
      h = MatMul(x, w[24, 64])
      y = ms:MatMulNBits(h, q[8, 4, 8], s[8, 4], z[8, 4]) { K: 64, N: 8, bits: 4, block_size: 16 }
      return y
      """)
    #expect(found == ["ffn 4: w.1 q.1 s.1 z.1"])
  }

  @Test("a matrix with scales in blocks loses whole blocks")
  func blocks() throws {
    let found = try groups(
      """
      x: float[1, 5, 24]
      a = MatMul(x, w1[24, 64])
      d = DequantizeLinear(q[64, 8], s[4, 8]) { axis: 0, block_size: 16 }
      y = MatMul(a, d)
      return y
      """, opset: 21)
    #expect(found == ["ffn 4: w1.1 q.0 s.0"])
  }

  @Test("scales of columns follow them, scalars couple nothing")
  func columnScales() throws {
    let found = try groups(
      """
      x: float[5, 6]
      a = ms:QGemm(x, xs[], xz[], w1[6, 16], ws[16], wz[16], b[16], as[], az[])
      y = QLinearMatMul(a, as2[], az2[], w2[16, 4], ws2[], wz2[], ys[], yz[])
      return y
      """)
    #expect(found == ["ffn 16: w1.1 ws.0 wz.0 b.0 w2.0"])
  }

  @Test("integers are joined and added as numbers are")
  func arithmetic() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = QLinearConv(x, xs[], xz[], w1[16, 3, 1, 1], ws[], wz[], as[], az[])
      b = QLinearConv(x, xs2[], xz2[], w2[16, 3, 1, 1], ws2[], wz2[], bs[], bz[])
      s = ms:QLinearAdd(a, as1[], az1[], b, bs1[], bz1[], ss[], sz[])
      c = ms:QLinearConcat(cs[], cz[], s, ss1[], sz1[], s, ss2[], sz2[]) { axis: 1 }
      y = QLinearConv(c, cs1[], cz1[], w3[4, 32, 1, 1], ws3[], wz3[], ys[], yz[])
      return y
      """)
    #expect(found == ["channel 16: w1.0 w2.0 w3.1"])
  }

  @Test("a choice between integers joins both")
  func choice() throws {
    let found = try groups(
      """
      x: float[5, 6]
      c: bool[5, 1]
      a = QLinearMatMul(x, as[], az[], w1[6, 16], s1[], z1[], as1[], az1[])
      b = QLinearMatMul(x, bs[], bz[], w2[6, 16], s2[], z2[], bs1[], bz1[])
      d = ms:QLinearWhere(c, a, as2[], az2[], b, bs2[], bz2[], ds[], dz[])
      y = QLinearMatMul(d, ds2[], dz2[], w3[16, 4], s3[], z3[], ys[], yz[])
      return y
      """)
    #expect(found == ["ffn 16: w1.1 w2.1 w3.0"])
  }

  @Test("a range taken from the tensor is exact only where what is removed was silent")
  func dynamicRange() throws {
    let found = try groups(
      """
      x: float[5, 6]
      a = MatMul(x, w1[6, 16])
      r = Sigmoid(a)
      q, s, z = DynamicQuantizeLinear(r)
      y = MatMulInteger(q, w2[16, 4], z, z2[])
      return y
      """)
    #expect(found == ["ffn 16~: w1.1 w2.0"])
  }
}
