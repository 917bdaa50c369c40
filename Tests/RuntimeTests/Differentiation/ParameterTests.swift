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

  @Test("weights of classes in a loss are no parameters, and have no gradient where they are asked for")
  func classWeights() throws {
    let model = try GraphText.model(
      "s = Add(a[4, 3], b[3])\nl = SoftmaxCrossEntropyLoss(s, i<2, 0, 1, 2>, w[3]+)\nreturn l")
    let loss = model.graph.outputs[0].value
    let parameters = try Parameters(of: model)
    #expect(parameters.trained.map(\.name) == ["a", "b"])
    _ = try TrainingProgram(model, minimizing: .loss(loss), parameters: parameters, inputShapes: [:])
    let all = try Parameters(of: model) { _ in true }
    let error = #expect(throws: RuntimeError.self) {
      try TrainingProgram(model, minimizing: .loss(loss), parameters: all, inputShapes: [:])
    }
    #expect(error?.description.contains("weights of classes have no gradient") == true)
  }

  @Test("a filter decides alone")
  func filter() throws {
    let parameters = try Parameters(of: try GraphText.model(text)) { ["scale", "w"].contains($0) }
    #expect(parameters.trained.map(\.name) == ["w", "scale"])
  }
}
