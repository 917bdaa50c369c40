import Testing

@testable import Runtime

@Suite("Fusing gelu")
struct FuseGeluTests {
  /// The constants of `x · ½ · (1 + erf(x / √2))`, with the axes a test gives them.
  private static let numbers: [String: Float] = ["root": 1.414_213_6, "inverse": 0.707_106_77, "one": 1, "half": 0.5]

  private static func text(
    scaled: String = "Div(x, !root[])", sum: String = "Add(e, !one[])", end: String, returning: String = "y"
  ) -> String {
    """
    x: float[3, 6]
    s = \(scaled)
    e = Erf(s)
    g = \(sum)
    \(end)
    return \(returning)
    """
  }

  private static let end = "p = Mul(x, g)\ny = Mul(p, !half[])"

  @Test(
    "every order of its factors is one node",
    arguments: [
      text(end: end), text(end: "p = Mul(g, x)\ny = Mul(half[], p)"), text(end: "p = Mul(x, !half[])\ny = Mul(p, g)"),
      text(end: "p = Mul(g, !half[])\ny = Mul(x, p)"), text(scaled: "Mul(x, inverse[1])", end: end),
      text(sum: "Add(one[1, 1], e)", end: end),
    ])
  func fuses(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds() == ["Gelu"])
    try model.expectEqualResults()
  }

  @Test(
    "numbers that give the result more axes stay",
    arguments: [
      text(end: "p = Mul(x, g)\ny = Mul(p, !half[1, 1, 1])"), text(sum: "Add(e, one[1, 1, 1])", end: end),
      text(scaled: "Div(x, root[1, 1, 1])", end: end),
    ])
  func rank(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(!model.kinds().contains("Gelu"))
    try model.expectEqualResults()
  }

  @Test("numbers that are trained stay", arguments: ["root", "one", "half"])
  func trained(_ name: String) throws {
    let text = Self.text(
      scaled: "Div(x, root[])", sum: "Add(e, one[])", end: "p = Mul(x, g)\ny = Mul(p, half[])")
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable) == ["Gelu"])
    #expect(!model.kinds(Fusion.differentiable, trained: [name]).contains("Gelu"))
  }

  @Test(
    "what is read elsewhere, or is another function, stays",
    arguments: [
      text(end: end, returning: "y, e"), text(end: "p = Mul(x, g)\nq = Mul(p, !half[])\ny = Add(q, g)"),
      text(end: "p = Mul(x, g)\ny = Mul(p, !third[])"), text(scaled: "Div(x, !two[])", end: end),
      text(end: "p = Mul(z[3, 6], g)\ny = Mul(p, !half[])"),
    ])
  func others(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers.merging(["third": 1 / 3, "two": 2]) { own, _ in own })
    #expect(!model.kinds().contains("Gelu"))
    try model.expectEqualResults()
  }
}
