import Testing

@testable import Runtime

@Suite("Fusing convolutions with residuals")
struct FuseConvolutionResidualTests {
  private static func text(
    _ end: String, convolution: String = "c = Conv(x, w[4, 4, 3, 3], b[4]) { pads: [1, 1, 1, 1] }",
    returning: String = "y"
  ) -> String {
    "x: float[2, 4, 5, 5]\n\(convolution)\n\(end)\nreturn \(returning)"
  }

  @Test(
    "what is added to a convolution is read by it",
    arguments: [text("y = Add(c, x)"), text("y = Add(x, c)"), text("y = Add(c, r[2, 4, 5, 5])")])
  func fuses(_ text: String) throws {
    let model = try FusionCase(text)
    #expect(model.kinds() == ["FusedConvolution"])
    try model.expectEqualResults()
  }

  @Test("of two convolutions one reads the other's result, and the activation behind them goes along")
  func block() throws {
    let model = try FusionCase(Self.text("d = Conv(x, v[4, 4, 1, 1])\ns = Add(c, d)\ny = Relu(s)"))
    #expect(Set(model.kinds()) == ["Conv", "FusedConvolution"] && model.kinds().count == 2)
    try model.expectEqualResults()
  }

  @Test("a second residual stays apart")
  func second() throws {
    let model = try FusionCase(Self.text("s = Add(c, x)\ny = Add(s, x)"))
    #expect(model.kinds() == ["FusedConvolution", "Add"])
    try model.expectEqualResults()
  }

  @Test(
    "what broadcasts, what is read twice and what is an output stay",
    arguments: [
      text("y = Add(c, r[4, 1, 1])"), text("y = Add(c, r[1, 4, 5, 5])"), text("y = Add(c, r[1, 2, 4, 5, 5])"),
      text("y = Add(c, c)"), text("s = Add(c, x)\ny = Mul(s, c)"), text("y = Add(c, x)", returning: "y, c"),
      text("y = Add(c, x)", convolution: "c = Conv(x, w[4, 4, 5, 5])"),
    ])
  func others(_ text: String) throws {
    let model = try FusionCase(text)
    #expect(model.kinds().prefix(2) == ["Conv", "Add"])
    try model.expectEqualResults()
  }
}
