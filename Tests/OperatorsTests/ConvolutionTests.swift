import Testing

@Suite("Convolution")
struct ConvolutionTests {
  @Test("a fused residual joins both branches")
  func residual() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1])
      b = ms:FusedConv(a, w2[16, 16, 1, 1], b2[16], a) { activation: "Relu" }
      y = Conv(b, w3[4, 16, 1, 1])
      return y
      """)
    #expect(found == ["channel 16: w1.0 w2.0 w2.1 b2.0 w3.1"])
  }

  @Test("a fused residual with channels last joins both branches")
  func residualChannelsLast() throws {
    let found = try groups(
      """
      x: float[1, 8, 8, 3]
      a = ms:NhwcFusedConv(x, w1[16, 3, 1, 1])
      b = ms:NhwcFusedConv(a, w2[16, 16, 1, 1], b2[16], a) { activation: "Relu" }
      y = ms:NhwcFusedConv(b, w3[4, 16, 1, 1])
      return y
      """)
    #expect(found == ["channel 16: w1.0 w2.0 w2.1 b2.0 w3.1"])
  }

  @Test("a fused activation that moves zero makes removal approximate")
  func movedZero() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = ms:FusedConv(x, w1[16, 3, 1, 1]) { activation: "Sigmoid" }
      y = Conv(a, w2[4, 16, 1, 1])
      return y
      """)
    // What the first makes does not vanish, but the columns that read it do.
    #expect(found == ["channel 16: w1.0 w2.1"])
  }

  @Test("scales, zero points and biases of a quantized convolution follow its channels")
  func quantized() throws {
    let found = try groups(
      """
      x: float[1, 3, 8, 8]
      a = QLinearConv(x, xs[], xz[], w1[16, 3, 3, 3], ws[16], wz[16], as[], az[], b1[16])
      y = QLinearConv(a, as2[], az2[], w2[4, 16, 1, 1], ws2[], wz2[], ys[], yz[])
      return y
      """)
    #expect(found == ["channel 16: w1.0 ws.0 wz.0 b1.0 w2.1"])
  }

  @Test("channels last are the same channels")
  func channelsLast() throws {
    let found = try groups(
      """
      x: float[1, 8, 8, 3]
      a = ms:QLinearConv(x, xs[], xz[], w1[16, 3, 3, 3], ws[], wz[], as[], az[]) { channels_last: 1 }
      p = ms:NhwcMaxPool(a) { kernel_shape: [2, 2] }
      d = ms:QLinearConv(p, ds[], dz[], w2[16, 1, 1, 1], ws2[], wz2[], es[], ez[]) { channels_last: 1, group: 16 }
      y = ms:QLinearConv(d, fs[], fz[], w3[4, 16, 1, 1], ws3[], wz3[], ys[], yz[]) { channels_last: 1 }
      return y
      """)
    #expect(found == ["channel 16: w1.0 w2.0 w3.1"])
  }
}
