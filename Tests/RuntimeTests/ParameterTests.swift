import IR
import TestSupport
import Testing

@testable import Runtime

@Suite("Which initializers are trained")
struct ParameterTests {
  private let text = """
    x: float[2, 3]
    h = MatMul(x, w[3, 1])
    a = Add(h, bias[1])
    p = PRelu(a, slope[1])
    n = LayerNormalization(p, gamma[1], beta[1])
    g = Gemm(n, v[1, 1], c[1])
    s = Mul(g, scale[1])
    y = Sub(one[1], s)
    return y
    """

  @Test("single numbers are trained where they are weights and not constants of the arithmetic")
  func scalars() throws {
    let parameters = try Parameters(of: try GraphText.model(text))
    #expect(parameters.trained.map(\.name) == ["w", "bias", "slope", "gamma", "beta", "v", "c"])
    #expect(parameters.all.map(\.name) == ["w", "bias", "slope", "gamma", "beta", "v", "c", "scale", "one"])
  }

  @Test("a filter decides alone")
  func filter() throws {
    let parameters = try Parameters(of: try GraphText.model(text)) { ["scale", "w"].contains($0) }
    #expect(parameters.trained.map(\.name) == ["w", "scale"])
  }
}
