import Analysis
import TestSupport
import Testing

@testable import Pruning

@Suite("Depths of linear layers")
struct LinearLayerDepthTests {
  @Test("the longest way to an output counts, whatever else branches off")
  func branches() throws {
    let model = try GraphText.model(
      """
      x: float[N, 4]
      a = MatMul(x, u[4, 4])
      b = Relu(a)
      c = MatMul(b, v[4, 4])
      d = MatMul(c, w[4, 4])
      e = Add(a, d)
      y = MatMul(e, t[4, 2])
      z = MatMul(b, s[4, 3])
      return y, z
      """)
    let layers = LinearLayers(model, try ModelAnalysis(model))
    #expect(layers.all.count == 5)
    #expect(layers.depths == [4, 3, 2, 1, 1])
  }
}
