import Testing

@testable import Runtime

@Suite("Fusing convolutions with activations")
struct FuseConvolutionActivationTests {
  private static func text(_ end: String, returning: String = "y") -> String {
    "x: float[2, 4, 5, 5]\nc = Conv(x, w[6, 4, 3, 3], b[6])\n\(end)\nreturn \(returning)"
  }

  private static let numbers: [String: Float] = ["low": -0.25, "high": 0.5]

  @Test(
    "an activation behind a convolution is computed by it",
    arguments: [
      text("y = Relu(c)"), text("y = HardSwish(c)"), text("y = LeakyRelu(c)"), text("y = LeakyRelu(c) { alpha: 0.3 }"),
      text("y = Clip(c, low[], high[])"), text("y = Clip(c, !low[])"), text("y = Clip(c, _, high[])"),
    ])
  func fuses(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds() == ["FusedConvolution"])
    try model.expectEqualResults()
  }

  @Test("a second activation stays apart")
  func second() throws {
    let model = try FusionCase(Self.text("r = Relu(c)\ny = HardSwish(r)"))
    #expect(model.kinds() == ["FusedConvolution", "HardSwish"])
    try model.expectEqualResults()
  }

  @Test("nothing is added behind an activation")
  func residualBehind() throws {
    let model = try FusionCase(Self.text("r = Relu(c)\ny = Add(r, z[2, 6, 3, 3])"))
    #expect(model.kinds() == ["FusedConvolution", "Add"])
    try model.expectEqualResults()
  }

  @Test(
    "computed bounds, other functions, what is read twice and what is an output stay",
    arguments: [
      text("m = Neg(high[])\ny = Clip(c, m, high)"), text("y = Sigmoid(c)"), text("r = Relu(c)\ny = Mul(r, c)"),
      text("y = Relu(c)", returning: "y, c"),
    ])
  func others(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds().contains("Conv"))
    try model.expectEqualResults()
  }
}
