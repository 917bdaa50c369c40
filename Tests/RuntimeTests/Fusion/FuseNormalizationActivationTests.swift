import Testing

@testable import Runtime

@Suite("Fusing training batch normalization with activations")
struct FuseNormalizationActivationTests {
  private static func text(_ end: String, returning: String = "y, mean, variance") -> String {
    """
    x: float[4, 3, 5, 5]
    n, mean, variance, batch, deviation = coppice:BatchNormalizationTraining(x, scale[3], shift[3], m[3], v[3]+)
    \(end)
    return \(returning)
    """
  }

  private static let numbers: [String: Float] = ["zero": 0, "six": 6]
  /// The precision in which sessions fuse what may also be differentiated, and nothing else.
  private static let options = RuntimeOptions(precision: .double)

  @Test("a rectifier is computed by it", arguments: [text("y = Relu(n)"), text("y = Clip(n, zero[], !six[])")])
  func fuses(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable) == ["BatchNormalizationTraining"])
    try model.expectEqualResults(options: Self.options)
  }

  @Test("bounds that are trained stay")
  func trained() throws {
    let model = try FusionCase(Self.text("y = Clip(n, zero[], six[])"), numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable).count == 1)
    #expect(model.kinds(Fusion.differentiable, trained: ["six"]).count == 2)
  }

  @Test("a second rectifier stays apart")
  func second() throws {
    let model = try FusionCase(Self.text("r = Clip(n, zero[], six[])\ny = Relu(r)"), numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable) == ["BatchNormalizationTraining", "Relu"])
    try model.expectEqualResults(options: Self.options)
  }

  @Test("statistics that are rectified are not the normalized values")
  func statistics() throws {
    try expectUnfused(Self.text("y = Relu(batch)", returning: "y, n"))
  }

  @Test(
    "other bounds, other functions, what is read twice and what is an output stay",
    arguments: [
      text("y = Clip(n, zero[], one[])"), text("y = Clip(n, zero[])"), text("y = LeakyRelu(n)"),
      text("r = Relu(n)\ny = Mul(r, n)"), text("y = Relu(n)", returning: "y, n"),
    ])
  func others(_ text: String) throws { try expectUnfused(text) }

  private func expectUnfused(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable).count > 1)
    try model.expectEqualResults(options: Self.options)
  }
}
